package format

// Body takes the syslog header off a line, as Parse does, and answers the
// program that it names ("" for none) and what is left.
func (p *Parser) Body(line string) (app, body string) {
	p.clock.ref = p.opts.Now().UnixNano()
	h := p.cutHeader(line)
	return h.app, h.body
}

package bench

import (
	"os"
	"slices"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/measure"
	"mimamori/rules"
)

// Rules measures the rule engine on parsed events.
func Rules(c Config) (Result, error) {
	r := Result{Step: "rules"}
	set, err := app.LoadRules(nil)
	if c.Rules != "" {
		set, err = rules.Load(os.DirFS(c.Rules))
	}
	if err != nil {
		return r, err
	}
	r.Rules = len(set.Rules())
	seen := new(rules.Seen)
	engine := rules.NewEngine(set, rules.Options{Log: c.Log, Now: c.Now, Seen: seen})
	p, err := c.parser()
	if err != nil {
		return r, err
	}
	x := new(event.Builder)
	var total measure.Use
	err = c.chunks(func(lines []string) error {
		for frame := range slices.Chunk(lines, frameLines) {
			b := c.parse(p, x, frame, r.Events)
			stop := measure.Start()
			engine.Evaluate(b, func(event.Alert) { r.Matches++ })
			u := stop()
			total.CPU, total.Wall = total.CPU+u.CPU, total.Wall+u.Wall
			r.Events += len(frame)
			if seen.Ripe() { // the program does it beside its work
				stop := measure.Start()
				engine.Use(engine.Choose())
				r.Choices, r.ChooseSeconds = r.Choices+1, r.ChooseSeconds+stop().CPU.Seconds()
			}
		}
		return nil
	})
	r.done(total)
	return r, err
}

// frameLines is what ingest hands to the rules at once: about a frame's lines.
const frameLines = 200

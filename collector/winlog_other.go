//go:build !windows

package collector

import "errors"

// noEventLog stands where there is no Windows Event Log; newInput refuses the
// type before it is asked.
type noEventLog struct{}

func newEventLog(Input) eventLog { return noEventLog{} }

func (noEventLog) subscribe(Channel, string, bool) (subscription, error) {
	return nil, errors.ErrUnsupported
}

package bus

import "strings"

// What the prefecture listens to besides frames.
const (
	CareSubjects  = "care.*.*" // heartbeats: care.<municipality>.<collector>
	TurnSubjects  = "turn.*.*" // wishes to send what an outage held up: turn.<municipality>.<collector>
	EnrolSubjects = "enrol.*"  // requests for enrolment: enrol.<invitation>
)

// CareSubject is where a collector sends its heartbeats, as requests.
func CareSubject(municipality, collector string) string {
	return strings.Join([]string{"care", token(municipality), token(collector)}, ".")
}

// TurnSubject is where a collector asks for its turn.
func TurnSubject(municipality, collector string) string {
	return strings.Join([]string{"turn", token(municipality), token(collector)}, ".")
}

// OrderSubject is where a collector hears of new orders.
func OrderSubject(municipality, collector string) string {
	return strings.Join([]string{"order", token(municipality), token(collector)}, ".")
}

// EnrolSubject is where the holder of an invitation asks for enrolment.
func EnrolSubject(invitation string) string { return "enrol." + token(invitation) }

// CollectorSubjects is what one collector may publish to.
func CollectorSubjects(municipality, collector string) []string {
	own := token(municipality) + "." + token(collector) + ".>"
	return []string{"frames." + own, CareSubject(municipality, collector), TurnSubject(municipality, collector)}
}

// CollectorUser is a collector as the server sees it: it publishes its own
// frames and heartbeats and hears its own orders and answers.
func CollectorUser(public, municipality, collector string) User {
	return User{
		Public: public, Publish: CollectorSubjects(municipality, collector), Subscribe: []string{OrderSubject(municipality, collector)},
	}
}

// EnrolUser is the holder of an invitation: it may ask for enrolment.
func EnrolUser(public, invitation string) User {
	return User{Public: public, Publish: []string{EnrolSubject(invitation)}}
}

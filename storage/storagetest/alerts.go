package storagetest

import (
	"time"

	"chapi/bot"
)

// anAlert has something in every field.
func anAlert(rule string) bot.Alert {
	return bot.Alert{
		Rule:   rule,
		Claim:  bot.Claim{Account: ada, Name: "Ada", Thread: topic, Title: "Lab", Direct: true, Origin: bot.Edited},
		Person: "ada", State: bot.Firing, Value: 18.5, Unit: "%", Since: time.Now(), Seen: time.Now(),
		Episode: 3, Count: 2, Told: time.Now(), By: "bob", Muted: time.Now(),
	}
}

var alertRules = []rule{
	{"an alert is kept as it was written", func(s store) {
		want := s.alert(anAlert("battery < 20%"))
		s.filled(want)
		s.same("added", want, anAlertAs(want))
		s.same("all", s.alerts(), []bot.Alert{want})
		want.State, want.Count = bot.Acknowledged, 3
		s.must(s.SetAlert(s.Context(), want, say(room, "a", "seen")))
		want.Revision++
		s.same("set", s.alerts(), []bot.Alert{want})
		s.same("said", s.drain(room), []string{"seen"})
		s.must(s.RemoveAlert(s.Context(), want.ID))
		s.must(s.RemoveAlert(s.Context(), want.ID))
		s.same("removed", s.alerts(), []bot.Alert{})
		if again := s.alert(anAlert("battery < 20%")); again.ID <= want.ID {
			s.Fatalf("number %d was used again", want.ID)
		}
	}},

	{"an alert that was changed or removed meanwhile is not written over, and nothing is said", func(s store) {
		old := s.alert(anAlert("battery < 20%"))
		s.must(s.SetAlert(s.Context(), old))
		s.wantErr(s.SetAlert(s.Context(), old, say(room, "a", "twice")), bot.ErrChanged)
		s.must(s.RemoveAlert(s.Context(), old.ID))
		old.Revision++
		s.wantErr(s.SetAlert(s.Context(), old, say(room, "b", "late")), bot.ErrChanged)
		s.nothing(room)
	}},

	{"a thread has a rule once, and a room no more than it may", func(s store) {
		first := s.alert(anAlert("a on"))
		s.same("again", s.alert(anAlert("a on")).ID, first.ID)
		_, err := s.AddAlert(s.Context(), anAlert("b on"), 1)
		s.wantErr(err, bot.ErrFull)
		_, err = s.AddAlert(s.Context(), anAlert("a on"), 1)
		s.must(err)
		configured := anAlert("c on")
		configured.Person = ""
		_, err = s.AddAlert(s.Context(), configured, 0)
		s.must(err)
		_, err = s.AddAlert(s.Context(), anAlert("b on"), 2) // the configured one does not count
		s.must(err)
		elsewhere := anAlert("b on")
		elsewhere.Claim.Thread = other
		_, err = s.AddAlert(s.Context(), elsewhere, 1)
		s.must(err)
	}},

	{"an alert follows its group", func(s store) {
		s.alert(anAlert("a on"))
		_, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Moves: []bot.Move{{From: room, To: other}}})
		s.must(err)
		s.same("thread", s.alerts()[0].Claim.Thread, bot.Thread{Adapter: "net", Chat: "200", Topic: "7"})
	}},
}

// anAlertAs is the alert that was added, with the number that it was given.
func anAlertAs(added bot.Alert) bot.Alert {
	a := anAlert(added.Rule)
	a.ID, a.Revision = added.ID, added.Revision
	a.Since, a.Seen, a.Told, a.Muted = added.Since, added.Seen, added.Told, added.Muted
	return a
}

func (s store) alert(a bot.Alert) bot.Alert {
	s.Helper()
	added, err := s.AddAlert(s.Context(), a, 0)
	s.must(err)
	return added
}

func (s store) alerts() []bot.Alert {
	s.Helper()
	all, err := s.Alerts(s.Context())
	s.must(err)
	return all
}

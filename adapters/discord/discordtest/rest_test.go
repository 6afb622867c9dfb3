package discordtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestCallsAreAdmittedOrRefused(t *testing.T) {
	r := newRig(t, Options{})
	for rule, c := range map[string]struct {
		change       func(*http.Request)
		verb, path   string
		body         string
		status, code int
	}{
		"the token with Bot before it is let in":        {verb: "GET", path: "/users/@me", status: 200},
		"a token without Bot is refused":                {verb: "GET", path: "/users/@me", change: func(q *http.Request) { q.Header.Set("Authorization", r.srv.Token()) }, status: 401},
		"another token is refused":                      {verb: "GET", path: "/users/@me", change: func(q *http.Request) { q.Header.Set("Authorization", "Bot x") }, status: 401},
		"a foreign user agent is refused":               {verb: "GET", path: "/users/@me", change: func(q *http.Request) { q.Header.Set("User-Agent", "curl") }, status: 403, code: 40333},
		"an unknown path is 404":                        {verb: "GET", path: "/users/@me/secrets", status: 404},
		"a verb that a path does not have is 405":       {verb: "PUT", path: "/users/@me", status: 405},
		"an old API version is refused":                 {verb: "GET", path: "/../v8/users/@me", status: 400, code: 50041},
		"a path without a version is refused":           {verb: "GET", path: "/../users/@me", status: 400, code: 50041},
		"broken JSON is refused":                        {verb: "POST", path: messagesOf(r.lab), body: `{"content":`, status: 400, code: 50109},
		"a list in the place of an object is refused":   {verb: "POST", path: messagesOf(r.lab), body: `[1]`, status: 400, code: 50035},
		"a text in the place of an object is refused":   {verb: "POST", path: messagesOf(r.lab), body: `"x"`, status: 400, code: 50035},
		"a channel id that is no number is refused":     {verb: "GET", path: "/channels/lab", status: 400, code: 50035},
		"an unknown channel is 404":                     {verb: "GET", path: "/channels/12345", status: 404, code: 10003},
		"an unknown guild is 404":                       {verb: "GET", path: "/guilds/12345", status: 404, code: 10004},
		"an unknown member is 404":                      {verb: "GET", path: "/guilds/" + r.guild.ID().String() + "/members/77", status: 404, code: 10013},
		"a body without a content type is refused":      {verb: "POST", path: messagesOf(r.lab), body: `{"content":"x"}`, change: func(q *http.Request) { q.Header.Del("Content-Type") }, status: 400, code: 50035},
		"the gateway's address needs no authorization":  {verb: "GET", path: "/gateway", change: func(q *http.Request) { q.Header.Del("Authorization") }, status: 200},
		"the address for bots does":                     {verb: "GET", path: "/gateway/bot", change: func(q *http.Request) { q.Header.Del("Authorization") }, status: 401},
		"an unknown interaction's answer is 404":        {verb: "POST", path: "/interactions/5/abc/callback", body: `{"type":4}`, status: 404, code: 10062},
		"a message to oneself's own kind is no DM":      {verb: "POST", path: "/users/@me/channels", body: `{"recipient_id":"100000000000000001"}`, status: 400, code: 50033},
		"a DM without a recipient is refused":           {verb: "POST", path: "/users/@me/channels", body: `{}`, status: 400, code: 50035},
		"commands of another application are forbidden": {verb: "GET", path: "/applications/5/commands", status: 403, code: 20012},
	} {
		t.Run(rule, func(t *testing.T) {
			path := c.path
			version := r.version
			if rest, ok := strings.CutPrefix(path, "/../"); ok {
				version, path, _ = strings.Cut(rest, "/")
				path = "/" + path
			}
			rq := r.request(c.verb, path, strings.NewReader(c.body), "application/json")
			rq.URL.Path = "/api/" + version + path
			if c.change != nil {
				c.change(rq)
			}
			want(t, "the call", r.do(rq), c.status, c.code)
		})
	}
}

func TestTheApplicationTellsWhatIsSwitchedOn(t *testing.T) {
	r := newRig(t, Options{MessageContent: true, PublicBot: true})
	for _, path := range []string{"/applications/@me", "/oauth2/applications/@me"} {
		var app struct {
			ID     Snowflake `json:"id"`
			Flags  int       `json:"flags"`
			Public bool      `json:"bot_public"`
		}
		r.call("GET", path, "").into(t, &app)
		if app.ID != r.srv.AppID() || app.Flags&(1<<19) == 0 || !app.Public {
			t.Errorf("%s: got %+v", path, app)
		}
	}
	r.srv.SetStarts(7, time.Hour)
	var bot struct {
		URL   string `json:"url"`
		Limit struct {
			Total, Remaining int
			ResetAfter       int `json:"reset_after"`
		} `json:"session_start_limit"`
	}
	r.call("GET", "/gateway/bot", "").into(t, &bot)
	if bot.Limit.Remaining != 7 || bot.Limit.Total != 1000 || bot.Limit.ResetAfter == 0 || !strings.HasPrefix(bot.URL, "ws://127.0.0.1:") {
		t.Errorf("got %+v", bot)
	}
}

func TestFaultsOfCalls(t *testing.T) {
	for rule, c := range map[string]struct {
		fault   Fault
		status  int
		code    int
		broken  bool
		made    int
		header  string
		contain string
	}{
		"dropped before it is looked at, nothing is made":   {fault: Fault{Kind: DropBefore}, broken: true},
		"dropped after, the message is there":               {fault: Fault{Kind: DropAfter}, broken: true, made: 1},
		"delayed, everything is normal":                     {fault: Fault{Kind: Delay, Delay: time.Millisecond}, status: 200, made: 1},
		"the answer is delayed, the message is there":       {fault: Fault{Kind: DelayAfter, Delay: time.Millisecond}, status: 200, made: 1},
		"a cut answer ends in its middle":                   {fault: Fault{Kind: Truncate}, status: 200, broken: true, made: 1},
		"a trickling answer arrives in the end":             {fault: Fault{Kind: Trickle, Delay: 10 * time.Microsecond}, status: 200, made: 1},
		"an oversize answer is valid":                       {fault: Fault{Kind: Oversize, Bytes: 1 << 20}, status: 200, made: 1},
		"malformed headers come with a good answer":         {fault: Fault{Kind: BadHeaders}, status: 200, made: 1, header: "X-Ratelimit-Reset"},
		"a page is no JSON":                                 {fault: Fault{Kind: NotJSON}, status: 200, contain: "<html>"},
		"a front end's 502 is a page":                       {fault: Fault{Kind: HTML502}, status: 502, contain: "502 Bad Gateway"},
		"a front end's 503 after the message was made":      {fault: Fault{Kind: HTML503, Processed: true}, status: 503, made: 1, contain: "503"},
		"a front end's 429 is a page with Retry-After":      {fault: Fault{Kind: HTML429, RetryAfter: 7 * time.Second}, status: 429, header: "Retry-After", contain: "<html>"},
		"a ban is a page":                                   {fault: Fault{Kind: Banned}, status: 429, header: "Retry-After", contain: "<html>"},
		"a 500 is JSON":                                     {fault: Fault{Kind: Error500}, status: 500, contain: "500: Internal Server Error"},
		"a 429 tells when":                                  {fault: Fault{Kind: Error429, RetryAfter: 1500 * time.Millisecond}, status: 429, header: "Retry-After", contain: `"retry_after":1.5`},
		"a global 429 says so":                              {fault: Fault{Kind: Global429}, status: 429, header: "X-Ratelimit-Global", contain: `"global":true`},
		"a shared 429 says so":                              {fault: Fault{Kind: Shared429}, status: 429, header: "X-Ratelimit-Scope", contain: `"retry_after":3`},
		"a bare 429 does not tell when":                     {fault: Fault{Kind: Bare429}, status: 429, contain: `"global":false`},
		"an edit limit that does not tell when":             {fault: Fault{Kind: Bare429, Code: 30046}, status: 429, code: 30046, contain: "older than 1 hour"},
		"a refusal has the usual text of its code":          {fault: Fault{Kind: Refuse, Status: 403, Code: 50013}, status: 403, code: 50013, contain: "Missing Permissions"},
		"an unauthorized call is 401":                       {fault: Fault{Kind: Unauthorized}, status: 401},
		"a fault of another method leaves the call alone":   {fault: Fault{Kind: DropBefore, Method: "editMessage"}, status: 200, made: 1},
		"a fault that lets one pass leaves the first alone": {fault: Fault{Kind: DropBefore, After: 1}, status: 200, made: 1},
		"a fault of another channel leaves this one alone":  {fault: Fault{Kind: DropBefore, Channel: 5}, status: 200, made: 1},
		"a fault that does not match leaves the call alone": {fault: Fault{Kind: DropBefore, Match: func(c Call) bool { return c.Field("content") != "hello" }}, status: 200, made: 1},
		"a fault that matches the content hits":             {fault: Fault{Kind: DropBefore, Match: func(c Call) bool { return c.Field("allowed_mentions.parse") == "[]" }}, broken: true},
		"an upload that is reset leaves nothing":            {fault: Fault{Kind: ResetUpload, Bytes: 4}, broken: true},
		"an edit's fault with a different case of the name": {fault: Fault{Kind: Refuse, Method: "CREATEmessage", Code: 50035}, status: 400, code: 50035},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newRig(t, Options{})
			f := r.srv.AddFault(c.fault)
			a := r.send(r.lab, quiet("hello"))
			if (a.Err != nil) != c.broken || a.Status != c.status || a.Code != c.code {
				t.Errorf("got %d/%d, %v; want %d/%d", a.Status, a.Code, a.Err, c.status, c.code)
			}
			if c.header != "" && a.Header.Get(c.header) == "" {
				t.Errorf("no header %s in %v", c.header, a.Header)
			}
			if !strings.Contains(string(a.Body), c.contain) {
				t.Errorf("body %.300s, want %q in it", a.Body, c.contain)
			}
			if got := len(r.lab.Posts()); got != c.made {
				t.Errorf("%d messages, want %d", got, c.made)
			}
			if a.Status == 429 && c.fault.Kind == Bare429 && strings.Contains(string(a.Body), "retry_after") {
				t.Errorf("a bare 429 tells when: %s", a.Body)
			}
			f.Remove()
			want(t, "the next call", r.send(r.lab, quiet("again")), 200, 0)
			if p := r.srv.Problems(); len(p) > 0 {
				t.Errorf("faults are no problems: %v", p)
			}
		})
	}
}

func TestHangingCallsEndWithTheirFault(t *testing.T) {
	r := newRig(t, Options{})
	f := r.srv.AddFault(Fault{Kind: Hang})
	done := make(chan answered)
	go func() { done <- r.send(r.lab, quiet("x")) }()
	if !r.srv.Wait(patience, func() bool { return f.Hits() == 1 }) {
		t.Fatal("the call did not come")
	}
	r.srv.ClearFaults()
	if a := <-done; a.Err == nil {
		t.Errorf("got %d, want a cut connection", a.Status)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	r := newRig(t, Options{})
	r.srv.AddFault(Fault{Kind: Redirect})
	r.call("GET", "/users/@me", "")
	if p := r.srv.Problems(); len(p) == 0 || !strings.Contains(p[0], "redirect") {
		t.Errorf("problems: %v", p)
	}
}

func TestTheTokenBelongsInOneHeader(t *testing.T) {
	r := newRig(t, Options{})
	rq := r.request("GET", "/users/@me?token="+r.srv.Token(), nil, "")
	rq.Header.Set("X-Debug", r.srv.Token())
	r.do(rq)
	if p := r.srv.Problems(); len(p) != 2 {
		t.Errorf("problems: %v", p)
	}
}

func TestRateLimitsAreToldAndKept(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Rates: true, Clock: c.now})
	first := r.send(r.lab, quiet("1"))
	if first.Header.Get("X-RateLimit-Limit") != "5" || first.Header.Get("X-RateLimit-Remaining") != "4" || !strings.Contains(first.Header.Get("X-RateLimit-Reset-After"), ".") {
		t.Errorf("headers: %v", first.Header)
	}
	for i := 2; i <= 5; i++ {
		want(t, "within the limit", r.send(r.lab, quiet(fmt.Sprint(i))), 200, 0)
	}
	sixth := r.send(r.lab, quiet("6"))
	want(t, "beyond the limit", sixth, 429, 0)
	if sixth.Header.Get("X-RateLimit-Scope") != "user" || sixth.Header.Get("Retry-After") != "5" {
		t.Errorf("headers: %v", sixth.Header)
	}
	edit := r.edit(r.lab, first.ID, quiet("edited"))
	want(t, "edits count apart", edit, 200, 0)
	if edit.Header.Get("X-RateLimit-Bucket") != first.Header.Get("X-RateLimit-Bucket") {
		t.Error("create and edit tell different buckets")
	}
	other := r.guild.AddChannel(0, "other", TextChannel)
	want(t, "another channel counts apart", r.send(other, quiet("1")), 200, 0)
	c.pass(5 * time.Second)
	want(t, "after the span", r.send(r.lab, quiet("7")), 200, 0)
	if n := r.srv.Invalid(); n != 1 {
		t.Errorf("%d invalid calls, want 1", n)
	}
	for range 60 {
		r.call("GET", "/users/@me", "")
	}
	if a := r.call("GET", "/users/@me", ""); a.Status != 429 || a.Header.Get("X-RateLimit-Global") != "true" {
		t.Errorf("got %d %v, want the global limit", a.Status, a.Header)
	}
}

func TestTooManyInvalidCallsLeadToABan(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	r.srv.mu.Lock()
	for range banAfter {
		r.srv.countInvalid(unauthorized())
	}
	r.srv.mu.Unlock()
	a := r.call("GET", "/users/@me", "")
	if a.Status != 429 || !strings.Contains(string(a.Body), "<html>") || a.Header.Get("Retry-After") != "600" {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	if p := r.srv.Problems(); len(p) != 1 {
		t.Errorf("problems: %v", p)
	}
	c.pass(banSpan)
	want(t, "after the ban", r.call("GET", "/users/@me", ""), 200, 0)
}

func TestDownUpAndBlackHole(t *testing.T) {
	r := newRig(t, Options{})
	address := r.srv.URL()
	w, _ := r.connect(usualIntents)
	r.srv.Down()
	if a := r.send(r.lab, quiet("x")); a.Err == nil {
		t.Errorf("got %d while down", a.Status)
	}
	if code := w.closed(); code != -1 && code != 1006 {
		t.Errorf("the gateway was closed with %d, want a cut", code)
	}
	r.lab.Say(r.ann, "anybody there?")
	if err := r.srv.Up(); err != nil {
		t.Fatal(err)
	}
	if r.srv.URL() != address {
		t.Error("the address changed")
	}
	want(t, "after Up", r.send(r.lab, quiet("x")), 200, 0)

	r.srv.BlackHole()
	r.http.Timeout = 100 * time.Millisecond
	if a := r.send(r.lab, quiet("y")); a.Err == nil {
		t.Errorf("got %d from a black hole", a.Status)
	}
	if err := r.srv.Up(); err != nil {
		t.Fatal(err)
	}
	r.http.Timeout = 0
	want(t, "after the black hole", r.send(r.lab, quiet("z")), 200, 0)
	if got := len(r.lab.Posts()); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
	r.srv.Revoke()
	want(t, "after Revoke", r.send(r.lab, quiet("z")), 401, 0)
	r.srv.Restore()
	want(t, "after Restore", r.send(r.lab, quiet("z")), 200, 0)
}

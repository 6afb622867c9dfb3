package bot

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	ann   = Account{"telegram", "1001"}
	bob   = Account{"telegram", "1002"}
	annDM = Thread{Adapter: "telegram", Chat: "1001"}
	lab   = Thread{Adapter: "telegram", Chat: "-100777"}
	attic = Thread{Adapter: "telegram", Chat: "-100888"}
)

func TestAuthorize(t *testing.T) {
	var p Policy
	p.Set(
		[]Person{{Name: "ann", Role: Owner, Accounts: []Account{ann}}, {Name: "bob", Role: Viewer, Accounts: []Account{bob}}},
		[]Chat{{Name: "lab", Room: lab}, {Name: "attic", Room: attic, Ceiling: User}},
	)
	topic := lab
	topic.Topic = "7"
	for _, c := range []struct {
		rule  string
		claim Claim
		role  Role
		err   error
	}{
		{"the private chat of a listed person is open", Claim{Account: ann, Thread: annDM, Direct: true}, Owner, nil},
		{"a listed group is open to a listed person", Claim{Account: ann, Thread: lab}, Owner, nil},
		{"a listing holds for all topics of the group", Claim{Account: ann, Thread: topic}, Owner, nil},
		{"a group's ceiling lowers a role", Claim{Account: ann, Thread: attic}, User, nil},
		{"a group's ceiling raises nobody", Claim{Account: bob, Thread: attic}, Viewer, nil},
		{"a stranger is nobody in private", Claim{Account: Account{"telegram", "666"}, Thread: Thread{Adapter: "telegram", Chat: "666"}, Direct: true}, Nobody, ErrStranger},
		{"a stranger is nobody in a listed group", Claim{Account: Account{"telegram", "666"}, Thread: lab}, Nobody, ErrStranger},
		{"a listed person may nothing in an unlisted group", Claim{Account: ann, Thread: Thread{Adapter: "telegram", Chat: "-5"}}, Nobody, ErrChatNotListed},
		{"the same number on another network is somebody else", Claim{Account: Account{"discord", "1001"}, Thread: Thread{Adapter: "discord", Chat: "1"}, Direct: true}, Nobody, ErrStranger},
		{"an account does not act in another network's chat", Claim{Account: ann, Thread: Thread{Adapter: "discord", Chat: "1"}, Direct: true}, Nobody, ErrStranger},
		{"an edited message causes nothing", Claim{Account: ann, Thread: annDM, Direct: true, Origin: Edited}, Nobody, ErrNotOriginal},
		{"a forwarded message causes nothing", Claim{Account: ann, Thread: annDM, Direct: true, Origin: Forwarded}, Nobody, ErrNotOriginal},
		{"a message through a bot causes nothing", Claim{Account: ann, Thread: annDM, Direct: true, Origin: ByBot}, Nobody, ErrNotOriginal},
		{"a message in a chat's name causes nothing", Claim{Account: ann, Thread: lab, Origin: ByChat}, Nobody, ErrNotOriginal},
		{"the zero claim is nobody", Claim{}, Nobody, ErrStranger},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := p.Authorize(c.claim)
			if !errors.Is(err, c.err) || got.Role() != c.role {
				t.Errorf("got role %s, error %v; want %s, %v", got.Role(), err, c.role, c.err)
			}
			if err == nil && (got.Account() != c.claim.Account || got.Thread() != c.claim.Thread) {
				t.Errorf("principal acts as %v in %v", got.Account(), got.Thread())
			}
		})
	}
}

func TestBadgesAndServers(t *testing.T) {
	var (
		cat  = Account{"discord", "5"}
		dan  = Account{"discord", "6"}
		room = Thread{Adapter: "discord", Chat: "70"}
		free = Thread{Adapter: "discord", Chat: "71"}
		far  = Thread{Adapter: "discord", Chat: "99"}
	)
	var p Policy
	p.Set([]Person{{Name: "dan", Role: Viewer, Accounts: []Account{dan}}},
		[]Chat{{Name: "home", Room: Thread{Adapter: "discord", Chat: "server:7"}, Ceiling: User}, {Name: "free", Room: free}})
	p.SetBadges(map[Badge]Role{{"discord", "staff"}: Operator, {"discord", "boss"}: Owner, {"discord", "guest"}: Viewer})
	staff, guest := []BadgeID{"other", "staff"}, []BadgeID{"guest"}
	for _, c := range []struct {
		rule  string
		claim Claim
		role  Role
		err   error
	}{
		{"a badge gives its role in a listed chat", Claim{Account: cat, Thread: free, Badges: staff}, Operator, nil},
		{"of two badges the greater counts", Claim{Account: cat, Thread: free, Badges: append(staff, guest...)}, Operator, nil},
		{"no badge makes an owner", Claim{Account: cat, Thread: free, Badges: []BadgeID{"boss"}}, Operator, nil},
		{"a server's listing holds for its chats, with its ceiling", Claim{Account: cat, Thread: room, Server: "server:7", Badges: staff}, User, nil},
		{"a chat's own listing goes before its server's", Claim{Account: cat, Thread: free, Server: "server:7", Badges: staff}, Operator, nil},
		{"a chat of another server is not listed", Claim{Account: cat, Thread: far, Server: "server:8", Badges: staff}, Nobody, ErrChatNotListed},
		{"a badge is nothing in private", Claim{Account: cat, Thread: Thread{Adapter: "discord", Chat: "@5"}, Direct: true, Badges: staff}, Nobody, ErrStranger},
		{"who is listed has the role of the list", Claim{Account: dan, Thread: free, Badges: staff}, Viewer, nil},
		{"without a badge that counts there is nothing", Claim{Account: cat, Thread: free, Badges: []BadgeID{"other"}}, Nobody, ErrStranger},
		{"the badge of another network is another", Claim{Account: Account{"telegram", "5"}, Thread: lab, Badges: staff}, Nobody, ErrStranger},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := p.Authorize(c.claim)
			if !errors.Is(err, c.err) || got.Role() != c.role {
				t.Errorf("got role %s, error %v; want %s, %v", got.Role(), err, c.role, c.err)
			}
		})
	}
	if p.Asks(Claim{Account: dan, Thread: free}) || p.Asks(Claim{Account: cat, Thread: far}) || !p.Asks(Claim{Account: cat, Thread: free}) {
		t.Error("badges are asked for of those whose rights they change, and of no others")
	}
}

func TestEmptyListsMeanNobody(t *testing.T) {
	var p Policy
	if _, err := p.Authorize(Claim{Account: ann, Thread: annDM, Direct: true}); !errors.Is(err, ErrStranger) {
		t.Errorf("the zero policy let somebody in: %v", err)
	}
	p.Set(nil, nil)
	if _, err := p.Authorize(Claim{Account: ann, Thread: annDM, Direct: true}); !errors.Is(err, ErrStranger) {
		t.Errorf("empty lists let somebody in: %v", err)
	}
	if (Principal{}).May(Viewer) || (Principal{}).May(Nobody) {
		t.Error("the zero principal may do something")
	}
}

func TestAnAccountListedTwiceHasTheLesserRole(t *testing.T) {
	for _, people := range [][]Person{
		{{Name: "a", Role: Owner, Accounts: []Account{ann}}, {Name: "b", Role: Viewer, Accounts: []Account{ann}}},
		{{Name: "b", Role: Viewer, Accounts: []Account{ann}}, {Name: "a", Role: Owner, Accounts: []Account{ann}}},
	} {
		var p Policy
		p.Set(people, nil)
		if got, _ := p.Authorize(Claim{Account: ann, Thread: annDM, Direct: true}); got.Role() != Viewer {
			t.Errorf("got %s, want viewer", got.Role())
		}
	}
}

// A Principal with rights can be made in one file only: authorize.go.
func TestOnlyAuthorizeMakesPrincipals(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if name == "authorize.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if typ, ok := lit.Type.(*ast.Ident); ok && typ.Name == "Principal" && len(lit.Elts) > 0 {
				t.Errorf("%s makes a Principal", name)
			}
			return true
		})
	}
}

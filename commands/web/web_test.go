package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesThatAreNotOfTheOpenInternet(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.8", "192.0.2.1",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1",
	} {
		if !Private(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "93.184.216.34", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"} {
		if Private(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as private", a)
		}
	}
}

// site is a server on loopback.
func site(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s
}

func TestPrivateAddressesAreRefusedBeforeAByteIsSent(t *testing.T) {
	asked := 0
	s := site(t, func(http.ResponseWriter, *http.Request) { asked++ })
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, address := range []string{s.URL, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://0" + port, "http://2130706433" + port} {
		_, err := (&Client{}).Get(context.Background(), address)
		if err == nil {
			t.Errorf("%s was fetched", address)
		} else if strings.Contains(address, "127.0.0.1") && !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v, want ErrPrivate", address, err)
		}
	}
	if asked != 0 {
		t.Errorf("the server was asked %d times", asked)
	}
}

func TestEveryConnectionOfARedirectIsChecked(t *testing.T) {
	// The check belongs to the dialer, which no connection gets around: what is
	// dialled is the address that was checked.
	c := &Client{}
	_, transport := c.client()
	for _, address := range []string{"127.0.0.1:80", "[fd00::1]:443", "169.254.169.254:80"} {
		if _, err := transport.DialContext(context.Background(), "tcp", address); !errors.Is(err, ErrPrivate) {
			t.Errorf("dial %s: %v, want ErrPrivate", address, err)
		}
	}
	if transport.Proxy != nil {
		t.Error("a proxy would be dialled in the place of the address")
	}
}

func TestDownloads(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.txt", "/":
			fmt.Fprint(w, "hello")
		case "/named":
			w.Header().Set("Content-Disposition", `attachment; filename="../real name.bin"`)
			fmt.Fprint(w, "x")
		case "/to":
			http.Redirect(w, r, "/a.txt", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/packed":
			if r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("the file would come packed: %q", r.Header.Get("Accept-Encoding"))
			}
		default:
			http.NotFound(w, r)
		}
	})
	for _, c := range []struct {
		address, name, body string
		err                 error
	}{
		{s.URL + "/a.txt?x=/b", "a.txt", "hello", nil},
		{s.URL + "/to", "a.txt", "hello", nil},
		{s.URL + "/named", "../real name.bin", "x", nil},
		{s.URL + "/", "127.0.0.1", "hello", nil},
		{s.URL + "/packed", "packed", "", nil},
		{s.URL + "/loop", "", "", ErrRedirects},
		{s.URL + "/file", "", "", ErrAddress},
		{"ftp://127.0.0.1/x", "", "", ErrAddress},
		{"example.com/x", "", "", ErrAddress},
		{"http://", "", "", ErrAddress},
		{"file:///etc/passwd", "", "", ErrAddress},
		{"http://user:hunter2@127.0.0.1:bad/", "", "", ErrAddress},
	} {
		d, err := (&Client{AllowPrivate: true}).Get(context.Background(), c.address)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.address, err, c.err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the password: %v", err)
			}
			continue
		}
		body, err := io.ReadAll(d.Body)
		d.Body.Close()
		if err != nil || string(body) != c.body || !strings.HasPrefix(d.Name, c.name) {
			t.Errorf("%s: %q called %q (%v)", c.address, body, d.Name, err)
		}
	}
	var status *StatusError
	if _, err := (&Client{AllowPrivate: true}).Get(context.Background(), s.URL+"/nothing"); !errors.As(err, &status) || status.Code != 404 {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestADownloadEndsWithItsContext(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(context.Background())
	d, err := (&Client{AllowPrivate: true}).Get(ctx, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Body.Close()
	d.Body.Read(make([]byte, 1))
	cancel()
	if _, err := d.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

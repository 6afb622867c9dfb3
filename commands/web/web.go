// Package web downloads from http and https addresses that a person names,
// without becoming their way into this machine's own network.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"syscall"
	"time"
)

// Bounds of a download. The whole is bounded by the caller's context.
const (
	dialTime   = 20 * time.Second
	answerTime = 30 * time.Second // until the server begins to answer
	stallTime  = time.Minute      // without a byte
	redirects  = 10
)

// Errors of Get, which the errors that it returns wrap.
var (
	// ErrAddress: no complete http or https address.
	ErrAddress = errors.New("not an http or https address")
	// ErrPrivate: the name leads to an address that is not of the open internet.
	ErrPrivate = errors.New("a private address")
	// ErrRedirects: it leads from one address to the next without an end.
	ErrRedirects = errors.New("too many redirects")
	// ErrStalled: nothing came for a minute.
	ErrStalled = errors.New("nothing comes any more")
)

// StatusError is an answer other than 200.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d %s", e.Code, http.StatusText(e.Code))
}

// Client downloads. The zero value refuses private addresses. It is safe for
// concurrent use.
type Client struct {
	// AllowPrivate permits addresses of this machine and of its networks.
	AllowPrivate bool
	// Agent is how we call ourselves.
	Agent string
}

// Download is an answer on its way. Close its Body.
type Download struct {
	Body io.ReadCloser
	Size int64  // bytes; 0 when the server did not say
	Name string // as the server or the address calls the file; not safe as it is
}

// Get begins a download. The address of every connection is checked after the
// name was looked up and before a byte is sent, for redirects as well: what a
// name means at another moment does not matter. No proxy is used.
func (c *Client) Get(ctx context.Context, address string) (*Download, error) {
	u, err := url.Parse(address)
	if err != nil || !usable(u) {
		return nil, ErrAddress // the cause would repeat a password in it
	}
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		cancel(nil)
		return nil, ErrAddress
	}
	req.Header.Set("User-Agent", cmp.Or(c.Agent, "chapi"))
	client, transport := c.client()
	end := func() {
		cancel(nil)
		transport.CloseIdleConnections()
	}
	resp, err := client.Do(req)
	if err != nil {
		end()
		return nil, plain(err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		end()
		return nil, &StatusError{resp.StatusCode}
	}
	body := &body{ReadCloser: resp.Body, ctx: ctx, end: end}
	body.stall = time.AfterFunc(stallTime, func() { cancel(ErrStalled) })
	return &Download{Body: body, Size: max(0, resp.ContentLength), Name: name(resp)}, nil
}

// client is made for one download, so that no connection is used for another
// address than the one it was checked for.
func (c *Client) client() (*http.Client, *http.Transport) {
	dialer := &net.Dialer{Timeout: dialTime, ControlContext: c.check}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    dialTime,
		ResponseHeaderTimeout:  answerTime,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // what is saved is what the server has
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			switch {
			case len(via) >= redirects:
				return ErrRedirects
			case !usable(next.URL):
				return ErrAddress
			}
			next.Header.Del("Referer")
			return nil
		},
	}, transport
}

func usable(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// check is called with the address that a connection is about to be made to.
func (c *Client) check(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrPrivate, address)
	}
	if !c.AllowPrivate && Private(to.Addr()) {
		return fmt.Errorf("%w: %s", ErrPrivate, to.Addr())
	}
	return nil
}

// special are the networks that are not the open internet, besides those that
// netip.Addr knows (IANA's special-purpose address registries). Those that have
// an IPv4 address inside could lead anywhere.
var special = func() (all []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// Private reports whether an address is of this machine, of a local network, or
// for another reason not one of the open internet.
func Private(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return true
	}
	for _, net := range special {
		if net.Contains(a) {
			return true
		}
	}
	return false
}

// plain takes the address off an error: it may hold a password.
func plain(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		return with.Err
	}
	return err
}

// name is what the file is called.
func name(resp *http.Response) string {
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		return params["filename"]
	}
	if base := path.Base(resp.Request.URL.Path); base != "/" && base != "." {
		return base
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		return resp.Request.URL.Hostname() + ".html"
	}
	return resp.Request.URL.Hostname()
}

// body ends when nothing comes for a while.
type body struct {
	io.ReadCloser
	ctx   context.Context
	stall *time.Timer
	end   func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		b.stall.Reset(stallTime)
	} else if cause := context.Cause(b.ctx); cause != nil {
		err = cause
	}
	return n, err
}

func (b *body) Close() error {
	b.stall.Stop()
	err := b.ReadCloser.Close()
	b.end()
	return err
}

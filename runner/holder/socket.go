package holder

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// finalWord bounds how long the last message may wait to be read.
const finalWord = 5 * time.Second

// maxPeers is how many may be connected to a session at the same time.
const maxPeers = 16

// Dial connects to the holder of the session in a folder. Any error means that
// nobody listens there now.
func Dial(dir string) (*Conn, error) {
	var conn net.Conn
	err := atFolder(dir, func(address string) (err error) {
		conn, err = net.Dial("unix", address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reach holder: %w", err)
	}
	return NewConn(conn), nil
}

// atFolder calls f with an address for the socket in a folder that is short
// enough for the kernel, which takes 107 bytes (unix(7)), however long the
// folder's own path is.
func atFolder(dir string, f func(address string) error) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	return f("/proc/self/fd/" + strconv.Itoa(fd) + "/" + socketFile)
}

// socket is where others than the daemon that started it reach a session.
type socket struct {
	session  *session
	path     string
	listener *net.UnixListener

	mu    sync.Mutex
	peers map[*Conn]<-chan struct{} // closed when the peer has been told all; nil until it listens
}

// open makes the session reachable, unless it is or is over.
func (s *session) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil || s.over {
		return
	}
	k, err := listen(s)
	if err != nil {
		fmt.Fprintf(os.Stderr, "holder of session %s: %v\n", s.id, err)
		return
	}
	s.socket = k
	go k.accept()
}

func listen(s *session) (*socket, error) {
	k := &socket{session: s, path: filepath.Join(s.dir, socketFile), peers: make(map[*Conn]<-chan struct{})}
	err := atFolder(s.dir, func(address string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
		if err != nil {
			return err
		}
		// The address is good only for as long as the descriptor in it.
		l.SetUnlinkOnClose(false)
		k.listener = l
		return os.Chmod(k.path, 0o600)
	})
	if err != nil && k.listener != nil {
		k.listener.Close()
	}
	return k, err
}

func (k *socket) accept() {
	for {
		c, err := k.listener.AcceptUnix()
		if err != nil {
			return
		}
		if !trusted(c) {
			c.Close()
			continue
		}
		conn := NewConn(c)
		if !k.admit(conn) {
			conn.Close()
			continue
		}
		go func() {
			k.serve(conn)
			k.dismiss(conn)
		}()
	}
}

// trusted reports whether the other side is our own account or root. The
// folder's mode says the same; this holds when somebody changes that.
func trusted(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	if raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}) != nil || err != nil {
		return false
	}
	return peer.Uid == 0 || int(peer.Uid) == os.Geteuid()
}

// admit counts a peer in.
func (k *socket) admit(c *Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.peers) >= maxPeers {
		return false
	}
	k.peers[c] = nil
	return true
}

func (k *socket) dismiss(c *Conn) {
	c.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.peers, c)
}

// serve does what a peer asks until it goes away.
func (k *socket) serve(c *Conn) {
	s := k.session
	if m, err := c.Receive(); err != nil || m.Hello == nil {
		return
	}
	status := s.status()
	s.mu.Lock()
	size := s.size
	s.mu.Unlock()
	if c.Send(Message{Hello: &Hello{Version: Version, Holder: self(), Status: &status, Size: size}}) != nil {
		return
	}
	ended := s.tell(c, status)
	k.mu.Lock()
	k.peers[c] = ended
	k.mu.Unlock()
	for {
		m, err := c.Receive()
		if err != nil {
			return
		}
		if m.Order != nil && c.Send(Message{Ack: s.answer(m.Order)}) != nil {
			return
		}
	}
}

// close keeps new peers out.
func (k *socket) close() {
	os.Remove(k.path)
	k.listener.Close()
}

// hangUp ends the connections once all is said, or is not read within a bound.
func (k *socket) hangUp() {
	k.mu.Lock()
	peers := maps.Clone(k.peers)
	k.mu.Unlock()
	for c, ended := range peers {
		c.Expire(finalWord)
		if ended != nil {
			<-ended
		}
		c.Close()
	}
}

package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chapi/bot"
)

// webTimeout is how long a camera in the network is given to begin its answer.
const webTimeout = 10 * time.Second

// web is a camera that answers with a picture, or with one after another.
type web struct{ url string }

// browser fetches pictures. Its addresses come from the configuration.
var browser = &http.Client{Transport: &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	ResponseHeaderTimeout:  webTimeout,
	DisableKeepAlives:      true,
	MaxResponseHeaderBytes: 64 << 10,
}}

func (s web) still(ctx context.Context, _ box) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, stillTime)
	defer cancel()
	return firstPicture(ctx, s.copy)
}

// moving asks anew after each answer, at most fps times a second: a camera that
// has only single pictures is asked for many.
func (s web) moving(_ box, fps int, _ bool) feed {
	return feed{pictures: func(ctx context.Context, w io.Writer) error {
		pace := time.NewTicker(time.Second / time.Duration(fps))
		defer pace.Stop()
		for {
			if err := s.copy(ctx, w); err != nil {
				return err
			}
			select {
			case <-pace.C:
			case <-ctx.Done():
				return nil
			}
		}
	}}
}

// copy asks once and passes on what comes.
func (s web) copy(ctx context.Context, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return errors.New("its address is none")
	}
	resp, err := browser.Do(req)
	if err != nil {
		return s.clean(err)
	}
	defer resp.Body.Close()
	kind := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("it answers %s", resp.Status)
	case strings.HasPrefix(kind, "text/"):
		return fmt.Errorf("it answers with %s, not with pictures", clip(kind))
	}
	pictures := bot.NewPictureReader(resp.Body, maxStill)
	for n := 0; ; n++ {
		picture, err := pictures.Next()
		switch {
		case err == io.EOF && n == 0:
			return errNoPicture
		case err == io.EOF:
			return nil
		case err != nil:
			return s.clean(err)
		}
		if _, err := w.Write(picture); err != nil {
			return err
		}
	}
}

// clean is the error without the address, which may hold a password.
func (s web) clean(err error) error {
	var ue *url.Error
	if !errors.As(err, &ue) {
		return err
	}
	if ue.Timeout() && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("it does not answer within %s", webTimeout)
	}
	return ue.Err
}

func clip(s string) string { return s[:min(len(s), 40)] }

package camera

import "context"
import "time"

type ring struct{}

func (r *ring) cut(ctx context.Context, from, to time.Time, a ask) (Take, error) { return Take{}, nil }

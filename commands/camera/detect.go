package camera

import "fmt"

// What the detector looks at: small gray pictures, a few in a second.
const (
	eyeWidth, eyeHeight = 64, 36
	eyeFPS              = 4
)

// eyeOutput is what ffmpeg is told of them.
var eyeOutput = []string{
	"-map", "0:v:0", "-an", "-vf", fmt.Sprintf("fps=%d,scale=%d:%d,format=gray", eyeFPS, eyeWidth, eyeHeight),
	"-f", "rawvideo", "-flush_packets", "1", "pipe:1",
}

// When pictures differ enough to be motion.
const (
	// eyeLearns is how many pictures are only looked at: a camera finds its
	// exposure.
	eyeLearns = 2 * eyeFPS
	// eyeStep is how much a point has to differ, of 255: more than noise does.
	eyeStep = 24
	// eyeLeast and eyeMost are how many points have to differ. When nearly all
	// do, a light was switched.
	eyeLeast = eyeWidth * eyeHeight / 64
	eyeMost  = eyeWidth * eyeHeight * 3 / 4
	// eyeStreak is how many pictures in a row have to differ.
	eyeStreak = 2
	// eyeHalf is the share of a new picture in what is expected: 1/8 forgets a
	// parked car in some seconds.
	eyeShare = 8
)

// detector is written gray pictures, and tells when something moves in them: when
// they differ from what has been there for some seconds.
type detector struct {
	moved func()

	part   []byte // of a picture
	usual  []int  // what is expected, in 256ths
	seen   int
	streak int
}

func (d *detector) Write(b []byte) (int, error) {
	d.part = append(d.part, b...)
	for len(d.part) >= eyeWidth*eyeHeight {
		d.look(d.part[:eyeWidth*eyeHeight])
		d.part = append(d.part[:0], d.part[eyeWidth*eyeHeight:]...)
	}
	return len(b), nil
}

func (d *detector) look(picture []byte) {
	if d.usual == nil {
		d.usual = make([]int, len(picture))
		for i, v := range picture {
			d.usual[i] = int(v) << 8
		}
	}
	d.seen++
	different := 0
	for i, v := range picture {
		step := int(v)<<8 - d.usual[i]
		if max(step, -step) > eyeStep<<8 {
			different++
		}
		d.usual[i] += step / eyeShare
	}
	switch {
	case d.seen <= eyeLearns:
	case different > eyeMost:
		for i, v := range picture {
			d.usual[i] = int(v) << 8
		}
		d.streak = 0
	case different < eyeLeast:
		d.streak = 0
	default:
		if d.streak++; d.streak >= eyeStreak {
			d.moved()
		}
	}
}

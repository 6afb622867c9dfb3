package render

import "bytes"

// Picture tells the file extension of the picture that head begins, or "".
// The signatures are those of the PNG specification (5.2), JPEG (ITU-T T.81,
// B.1.1.3: SOI and the next marker's first byte), GIF 87a and 89a, and WebP (a
// RIFF container of that form).
func (Renderer) Picture(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return ".png"
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return ".jpg"
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return ".gif"
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return ".webp"
	default:
		return ""
	}
}

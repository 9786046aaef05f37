package flv

import "strconv"

// videoName and audioName are what a log calls the codecs that are not known here: their numbers in the FLV
// specification, E.4.3.1 and E.4.2.1, and their names.
func videoName(id byte) string {
	return name(id, map[byte]string{
		2: "Sorenson H.263", 3: "Screen video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen video 2",
	})
}

func audioName(id byte) string {
	return name(id, map[byte]string{
		0: "PCM", 1: "ADPCM", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser", 11: "Speex", 14: "MP3 of 8 kHz",
	})
}

func name(id byte, names map[byte]string) string {
	number := strconv.Itoa(int(id))
	if n := names[id]; n != "" {
		return n + " (" + number + ")"
	}
	return number
}

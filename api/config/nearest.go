package config

// nearest returns the known key that is most like name; of equals the first in the alphabet.
func nearest(name string, keys map[string]Key) string {
	if len(name) > 200 {
		name = name[:200] // no key is as long, and the work is the product of the lengths
	}
	best, least := "", -1
	for key := range keys {
		d := distance(name, key)
		if least < 0 || d < least || d == least && key < best {
			best, least = key, d
		}
	}
	return best
}

// distance is the number of letters to put in, leave out or change to make b of a (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if lower(a[i]) == lower(b[j]) {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

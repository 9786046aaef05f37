package wire

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// PlayHTTP asks for u with GET and returns its FLV stream once the head of a 200 reply has come.
func PlayHTTP(rw io.ReadWriter, u *url.URL) (*FLV, error) {
	res, _, err := get(rw, u, "")
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("wire: GET %s: %s", u, res.Status)
	}
	return NewFLV(res.Body), nil
}

// get sends a GET with additional header lines and reads the reply's head. What follows the head is in the reader.
func get(rw io.ReadWriter, u *url.URL, lines string) (*http.Response, *bufio.Reader, error) {
	head := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n" + lines + "\r\n"
	if _, err := io.WriteString(rw, head); err != nil {
		return nil, nil, fmt.Errorf("wire: write: %w", err)
	}
	r := bufio.NewReader(rw)
	res, err := http.ReadResponse(r, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil, nil, fmt.Errorf("wire: reply to GET %s: %w", u, err)
	}
	return res, r, nil
}

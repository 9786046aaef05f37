package wire

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
)

// SendRTP has a server send a stream in RTP to a UDP port of a host, with the port as its SSRC. u is startSendRtp of the server's API with the
// stream in its query; rw is connected to the server.
func SendRTP(rw io.ReadWriter, u *url.URL, host string, port int) error {
	v, query := *u, u.Query()
	query.Set("is_udp", "1")
	query.Set("dst_url", host)
	query.Set("dst_port", strconv.Itoa(port))
	query.Set("ssrc", strconv.Itoa(port))
	v.RawQuery = query.Encode()
	res, _, err := get(rw, &v, "Connection: close\r\n")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Code int
		Msg  string
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("wire: reply to GET %s: %w", &v, err)
	}
	if answer.Code != 0 {
		return fmt.Errorf("wire: GET %s: %d %s", &v, answer.Code, answer.Msg)
	}
	return nil
}

package wire

import "strconv"

// Response is a response (RFC 2326, 7).
type Response struct {
	Code   int
	Reason string // "" is that of the code
	Header Header
	Body   []byte
}

// The status codes in use (RFC 2326, 7.1.1).
const (
	StatusOK                   = 200
	StatusBadRequest           = 400
	StatusUnauthorized         = 401
	StatusForbidden            = 403
	StatusNotFound             = 404
	StatusMethodNotAllowed     = 405
	StatusNotAcceptable        = 406
	StatusSessionNotFound      = 454
	StatusMethodNotValid       = 455
	StatusInvalidRange         = 457
	StatusAggregateNotAllowed  = 459
	StatusUnsupportedTransport = 461
	StatusInternalError        = 500
	StatusNotImplemented       = 501
	StatusServiceUnavailable   = 503
)

// reason is the phrase of a code.
func reason(code int) string {
	switch code {
	case StatusOK:
		return "OK"
	case StatusBadRequest:
		return "Bad Request"
	case StatusUnauthorized:
		return "Unauthorized"
	case StatusForbidden:
		return "Forbidden"
	case StatusNotFound:
		return "Stream Not Found"
	case StatusMethodNotAllowed:
		return "Method Not Allowed"
	case StatusNotAcceptable:
		return "Not Acceptable"
	case StatusSessionNotFound:
		return "Session Not Found"
	case StatusMethodNotValid:
		return "Method Not Valid in This State"
	case StatusInvalidRange:
		return "Invalid Range"
	case StatusAggregateNotAllowed:
		return "Aggregate Operation Not Allowed"
	case StatusUnsupportedTransport:
		return "Unsupported Transport"
	case StatusServiceUnavailable:
		return "Service Unavailable"
	default:
		return "Internal Server Error"
	}
}

// Append appends the response as it is sent.
func (r *Response) Append(dst []byte) []byte {
	text := r.Reason
	if text == "" {
		text = reason(r.Code)
	}
	dst = strconv.AppendInt(append(dst, "RTSP/1.0 "...), int64(r.Code), 10)
	dst = append(append(append(dst, ' '), text...), "\r\n"...)
	return appendRest(dst, r.Header, r.Body)
}

// Append appends the request as it is sent by RTSP 1.0.
func (r *Request) Append(dst []byte) []byte {
	dst = append(append(append(append(dst, r.Method...), ' '), r.URL...), " RTSP/1.0\r\n"...)
	return appendRest(dst, r.Header, r.Body)
}

func appendRest(dst []byte, h Header, body []byte) []byte {
	for _, f := range h {
		dst = append(append(append(append(dst, f.Name...), ": "...), f.Value...), "\r\n"...)
	}
	if len(body) > 0 {
		dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(len(body)), 10)
		dst = append(dst, "\r\n"...)
	}
	return append(append(dst, "\r\n"...), body...)
}

// Package gb28181 receives streams from the RTP (RFC 3550) of devices that send without a session of their own, as the cameras and platforms of
// GB/T 28181 do, and sends streams to such: MPEG-PS, MPEG-TS or an elementary stream, by UDP or TCP, to and from ports that are
// opened and closed by the host. What tells a device to send, SIP, is the host's.
//
// A [Server] has ports that are opened for one stream each ([Server.Open]) and one that all may send to
// ([Server.ListenAndServe]). What comes is published once the hooks have admitted it.
package gb28181

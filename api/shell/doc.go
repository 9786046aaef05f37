// Package shell is a console over TCP, as the telnet shell of ZLMediaKit: it lists streams and closes them. It is plain
// text without TELNET negotiation, so that a script can speak it as well as the telnet command.
//
// A line ends with CR LF. The peer says a user name and a password; [hook.ShellLoginHook] decides, and where no hook
// does, the password is the secret of the [Config]. Nobody gets in without either.
package shell

// Package docroot opens and sends files of folders that strangers may read. What a name leads to stays in the folder
// ([os.Root]), is a plain file or a folder, and is hidden at no level.
package docroot

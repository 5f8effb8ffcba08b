#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# enter.sh COMMAND... - run COMMAND where everybody may enter this folder.
#
# Some tests run what was built as somebody else, who cannot even see it if the
# checkout is in /root. So the command gets a mount namespace of its own, where
# whatever only its owner may enter on the way here is replaced by a folder for
# everybody that has the same in it. Without root it is as it is.
set -euo pipefail

# The topmost folder above this one that is not for everybody, or nothing.
closed() {
	local dir=$PWD top=
	while [ "$dir" != / ]; do
		dir=$(dirname "$dir")
		case $(stat -c %A "$dir") in
		*[xt]) ;;
		*) top=$dir ;;
		esac
	done
	echo "$top"
}

# replace FOLDER, in this mount namespace
replace() {
	local aside name entry
	aside=$(mktemp -d)
	mount --rbind "$1" "$aside"
	mount -t tmpfs -o mode=755 none "$1"
	for entry in "$aside"/* "$aside"/.[!.]*; do
		name=$1/$(basename "$entry")
		if [ -L "$entry" ] || [ ! -e "$entry" ]; then
			continue
		elif [ -d "$entry" ]; then
			mkdir "$name"
		else
			touch "$name"
		fi
		mount --rbind "$entry" "$name"
	done
	umount -l "$aside"
	rmdir "$aside"
}

if [ "$(id -u)" != 0 ] || [ -z "$(closed)" ]; then
	exec "$@"
elif [ "${EPAIR_ENTERED-}" != "$$" ]; then
	# unshare keeps the number of the process
	EPAIR_ENTERED=$$ exec unshare -m "$0" "$@"
fi
while closed=$(closed) && [ -n "$closed" ]; do
	replace "$closed"
done
# what is seen from here is still the folder that was replaced
cd "$PWD"
exec "$@"

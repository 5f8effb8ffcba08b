#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every installed header can be the first that a program includes, and asks
# neither for gnu extensions nor for our other include folders.
set -u

failed=0
for header in "$SOURCE_ROOT"/include/epair/*.h; do
	[ -e "$header" ] || continue
	echo "#include <epair/$(basename "$header")>" |
		$CC -x c -std=c11 -Wall -Wextra -Wpedantic -Wstrict-prototypes \
			-Werror -fsyntax-only -I"$SOURCE_ROOT/include" - || failed=1
done
exit "$failed"

#compdef epair
# SPDX-License-Identifier: BSD-2-Clause
# zsh completion for epair(8): the tool itself knows what may stand next.

local -a candidates open closed
candidates=("${(@f)$("$words[1]" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
open=(${(M)candidates:#*[:=.]})
closed=(${candidates:#*[:=.]})
# What is begun goes on behind it.
(( $#open )) && compadd -S '' -a open
(( $#closed )) && compadd -a closed
(( $#open + $#closed )) || _files

# SPDX-License-Identifier: BSD-2-Clause
# bash completion for epair(8): the tool itself knows what may stand next.

_epair()
{
	local cur words cword line=${COMP_LINE:0:COMP_POINT}
	# Colon and equals sign are part of a word: tap:netns=red
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n := cur words cword
	else
		read -ra words <<<"$line"
		[[ $line == *[[:space:]] ]] && words+=("")
		cword=$((${#words[@]} - 1)) cur=${words[-1]}
	fi
	mapfile -t COMPREPLY < <("${words[0]}" complete -- \
		"${words[@]:1:cword}" 2>/dev/null)
	# What is begun goes on behind it.
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:=.] ]] && compopt -o nospace
	# Readline puts it behind the last of them.
	local at=${#cur}
	while ((at > 0)) && [[ $COMP_WORDBREAKS != *"${cur:at-1:1}"* ]]; do
		((at--))
	done
	COMPREPLY=("${COMPREPLY[@]#"${cur:0:at}"}")
}
complete -o default -F _epair epair

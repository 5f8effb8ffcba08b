# SPDX-License-Identifier: BSD-2-Clause
# bash completion for epair(8): the tool itself knows what may stand next.

_epair()
{
	local cur words cword
	# A colon is part of a word: tap:netns=red
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n := cur words cword
	else
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
		cur=${words[cword]}
	fi
	mapfile -t COMPREPLY < <("${words[0]}" complete -- \
		"${words[@]:1:cword}" 2>/dev/null)
	# What is begun goes on behind it.
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:=.] ]] && compopt -o nospace
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$cur"
	fi
}
complete -o default -F _epair epair

/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace.h"

#include <string.h>

/* A piece of the text: a line, what is left of one, or a word. */
struct span {
	const char *at;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

static bool
span_begins(struct span *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->at, prefix, len) != 0)
		return false;
	s->at += len;
	s->len -= len;
	return true;
}

static void
span_trim(struct span *s)
{
	while (s->len > 0 && is_blank(s->at[0])) {
		s->at++;
		s->len--;
	}
	while (s->len > 0 && is_blank(s->at[s->len - 1]))
		s->len--;
}

/* Cut at the first c; what is behind it goes to *rest. */
static bool
span_split(struct span *s, char c, struct span *rest)
{
	const char *found = s->len > 0 ? memchr(s->at, c, s->len) : NULL;

	if (found == NULL)
		return false;
	rest->at = found + 1;
	rest->len = (size_t)(s->at + s->len - rest->at);
	s->len = (size_t)(found - s->at);
	return true;
}

/* Take the next word of a line; an empty one at its end. */
static struct span
take_word(struct span *line)
{
	struct span word;

	span_trim(line);
	word = (struct span){ line->at, 0 };
	while (word.len < line->len && !is_blank(line->at[word.len]))
		word.len++;
	line->at += word.len;
	line->len -= word.len;
	return word;
}

/* A name as it may stand in a trace: printable and not without bound. */
static bool
parse_name(struct span word, char name[RUNS_WORD_MAX])
{
	if (word.len == 0 || word.len >= RUNS_WORD_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] < '!' || word.at[i] > '~')
			return false;
	memcpy(name, word.at, word.len);
	name[word.len] = '\0';
	return true;
}

/* VNET:NAME */
static bool
parse_if(struct span word, struct runs_if *ifp)
{
	struct span name;

	return span_split(&word, ':', &name) && parse_name(word, ifp->vnet) &&
	       parse_name(name, ifp->name);
}

/* The value of a digit, or at least 16. */
static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* A number up to max, decimal or 0x. */
static bool
parse_number(struct span word, uint64_t max, uint64_t *number)
{
	unsigned base = span_begins(&word, "0x") ? 16 : 10;
	uint64_t n = 0;

	if (word.len == 0)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		unsigned d = digit(word.at[i]);

		if (d >= base || n > (max - d) / base)
			return false;
		n = n * base + d;
	}
	*number = n;
	return true;
}

/* Whether word is key=N; gives N. */
static bool
parse_key(struct span word, const char *key, uint32_t *number)
{
	uint64_t n;

	if (!span_begins(&word, key) || !parse_number(word, UINT32_MAX, &n))
		return false;
	*number = (uint32_t)n;
	return true;
}

/* The words behind a verb, one letter each; see parse_words(). */
static const struct {
	const char *name;
	const char *words;
	enum trace_verb verb;
} verbs[] = {
	{ "boot", "H", TRACE_BOOT },
	{ "vnet", "V", TRACE_VNET },
	{ "vnetdel", "V", TRACE_VNETDEL },
	{ "create", "Vn", TRACE_CREATE },
	{ "destroy", "I", TRACE_DESTROY },
	{ "vmove", "IV", TRACE_VMOVE },
	{ "up", "I", TRACE_UP },
	{ "down", "I", TRACE_DOWN },
	{ "mtu", "IN", TRACE_MTU },
	{ "fib", "IF", TRACE_FIB },
	{ "forward", "IJ", TRACE_FORWARD },
	{ "tx", "ICLm", TRACE_TX },
	{ "step", "N", TRACE_STEP },
	{ "run", "", TRACE_RUN },
	{ "stats", "I", TRACE_STATS },
	{ "show", "I", TRACE_SHOW },
	{ "list", "V", TRACE_LIST },
};

static const struct {
	const char *name;
	uint32_t bit;
} metas[] = {
	{ "vlantag", TRACE_VLANTAG },
	{ "sndtag", TRACE_SNDTAG },
	{ "ptag", TRACE_PTAG },
	{ "ntag", TRACE_NTAG },
};

/* ucast|bcast|mcast [vlantag] [sndtag] [ptag] [ntag], in any order. */
static bool
parse_meta(struct span line, uint32_t *meta)
{
	struct span word = take_word(&line);
	uint32_t bit;

	if (span_is(word, "bcast"))
		*meta = TRACE_BCAST;
	else if (span_is(word, "mcast"))
		*meta = TRACE_MCAST;
	else if (span_is(word, "ucast"))
		*meta = 0;
	else
		return false;
	for (word = take_word(&line); word.len > 0; word = take_word(&line)) {
		bit = 0;
		for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++)
			if (span_is(word, metas[i].name))
				bit = metas[i].bit;
		if (bit == 0)
			return false;
		*meta |= bit;
	}
	return true;
}

/* One word, by its letter in the table of verbs. */
static bool
parse_word(char letter, struct span word, struct trace_exchange *x)
{
	uint64_t len;

	switch (letter) {
	case 'H':
		return span_begins(&word, "hostid=") &&
		       parse_number(word, UINT64_MAX, &x->number);
	case 'V':
		return parse_name(word, x->vnet);
	case 'n':
		return parse_name(word, x->name);
	case 'I':
		return parse_if(word, &x->ifp);
	case 'J':
		x->to = (struct runs_if){ 0 };
		return span_is(word, "-") || parse_if(word, &x->to);
	case 'N':
		return parse_number(word, UINT32_MAX, &x->number);
	case 'F':
		return parse_number(word, UINT16_MAX, &x->number);
	case 'C':
		return parse_number(word, TRACE_COUNT_MAX, &x->number);
	case 'L':
		if (!parse_number(word, TRACE_LEN_MAX, &len))
			return false;
		x->len = (uint32_t)len;
		return true;
	}
	return false;
}

/* Returns NULL, or what is wrong. */
static const char *
parse_command(struct span line, struct trace_exchange *x)
{
	struct span word = take_word(&line);
	const char *letter = NULL;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!span_is(word, verbs[i].name))
			continue;
		x->verb = verbs[i].verb;
		letter = verbs[i].words;
	}
	if (letter == NULL)
		return "no such command";
	for (; *letter != '\0' && *letter != 'm'; letter++)
		if (!parse_word(*letter, take_word(&line), x))
			return "a word of the command is wrong or missing";
	if (*letter == 'm')
		return parse_meta(line, &x->meta)
			   ? NULL
			   : "unknown metadata, or neither ucast nor a group";
	return take_word(&line).len > 0 ? "too many words" : NULL;
}

/* N or N-M */
static bool
parse_frames(struct span word, struct run *run)
{
	struct span last;
	uint64_t from, to;

	if (!span_split(&word, '-', &last))
		last = word;
	if (!parse_number(word, UINT32_MAX, &from) ||
	    !parse_number(last, UINT32_MAX, &to) || from == 0 || from > to)
		return false;
	run->first = (uint32_t)from;
	run->last = (uint32_t)to;
	return true;
}

/* The suffix of a delivery line, wherever in it; it holds for all its runs. */
static void
parse_suffix(struct span line, struct run *run)
{
	struct span word;

	for (word = take_word(&line); word.len > 0; word = take_word(&line)) {
		(void)parse_key(word, "fib=", &run->fib);
		(void)parse_key(word, "tags=", &run->tags);
	}
}

/* Returns NULL, or what is wrong. */
static const char *
parse_delivery(struct span line, unsigned number, struct runs *runs)
{
	struct run run = { .line = number };
	struct span word = take_word(&line);
	unsigned frames = 0;
	uint32_t ignored;

	if (!parse_if(word, &run.ifp))
		return "a delivery without VNET:NAME";
	parse_suffix(line, &run);
	for (word = take_word(&line); word.len > 0; word = take_word(&line)) {
		if (parse_key(word, "fib=", &ignored) ||
		    parse_key(word, "tags=", &ignored))
			continue;
		if (!parse_frames(word, &run))
			return "a delivery that is no frame number";
		if (runs_put(runs, &run) < 0)
			return "no memory";
		frames++;
	}
	return frames > 0 ? NULL : "a delivery of no frames";
}

void
trace_init(struct trace *t, const char *text, size_t size)
{
	*t = (struct trace){ .at = text, .end = text + size };
}

/* Take the next line that says something. Returns false at the end. */
static bool
take_line(struct trace *t, struct span *line)
{
	struct span rest = { t->at, (size_t)(t->end - t->at) };

	while (rest.len > 0) {
		*line = rest;
		if (!span_split(line, '\n', &rest))
			rest = (struct span){ t->end, 0 };
		t->at = rest.at;
		t->line++;
		span_trim(line);
		if (line->len > 0 && line->at[0] != '#')
			return true;
	}
	return false;
}

static int
refuse(struct trace *t, const char *why)
{
	t->error = why;
	return -1;
}

int
trace_next(struct trace *t, struct trace_exchange *x)
{
	const char *why;
	struct span line;

	runs_clear(&x->runs);
	if (!take_line(t, &line))
		return 0;
	x->line = t->line;
	if (line.at[0] == '|' || line.at[0] == '=')
		return refuse(t, "an answer without a command");
	why = parse_command(line, x);
	if (why != NULL)
		return refuse(t, why);
	t->booted = t->booted || x->verb == TRACE_BOOT;
	if (!t->booted)
		return refuse(t, "a command before boot");

	while (take_line(t, &line)) {
		if (span_begins(&line, "=")) {
			span_trim(&line);
			x->answer = line.at;
			x->answer_len = line.len;
			x->answer_line = t->line;
			return 1;
		}
		if (!span_begins(&line, "|"))
			return refuse(t, "a command before the last's answer");
		why = parse_delivery(line, t->line, &x->runs);
		if (why != NULL)
			return refuse(t, why);
	}
	return refuse(t, "the last command has no answer");
}

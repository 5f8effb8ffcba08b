/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"

#define VALUE_MAX EPAIR_LINK_TEXT_MAX

static int
keep_defaults(struct ctl_scratch *s, struct epair_err *err)
{
	char value[VALUE_MAX];
	const char *word;

	for (unsigned i = 0;
	     i < CTL_WORDS_MAX && (word = epair_if_word_at(i)) != NULL; i++) {
		if (epair_if_get_word(s->ifp, word, value, sizeof(value), err) <
		    0)
			return err->code;
		s->defaults[i] = strdup(value);
		if (s->defaults[i] == NULL)
			return ctl_fail(err, -ENOMEM, "no memory for words");
	}
	return 0;
}

int
ctl_scratch_init(struct ctl_scratch *s, struct epair_err *err)
{
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_SIM };
	struct epair_err why = { 0 };
	int error;

	*s = (struct ctl_scratch){ 0 };
	error = epair_new(&opts, &s->ep, &why);
	if (error == 0)
		error = epair_if_create(
		    s->ep, NULL, "epair", NULL, &s->ifp, &why);
	if (error == 0)
		error = keep_defaults(s, &why);
	if (error == 0)
		return 0;
	ctl_scratch_fini(s);
	return ctl_fail(err, error, "%s", why.text);
}

void
ctl_scratch_fini(struct ctl_scratch *s)
{
	for (unsigned i = 0; i < CTL_WORDS_MAX; i++)
		free(s->defaults[i]);
	epair_if_put(s->ifp);
	if (s->ep != NULL)
		(void)epair_free(s->ep);
	*s = (struct ctl_scratch){ 0 };
}

bool
ctl_scratch_differs(
    struct ctl_scratch *s, const char *word, const char *is, const char *wanted)
{
	char before[VALUE_MAX], after[VALUE_MAX];

	if (strcmp(is, wanted) == 0)
		return false;
	/* A link may name files, which are not for us to open. */
	if (strcmp(word, "link") == 0)
		return epair_link_format(wanted, after, sizeof(after), NULL) <
			   0 ||
		       strcmp(is, after) != 0;
	if ((epair_if_set(s->ifp, word, is, NULL) != 0 &&
		strcmp(word, "name") != 0) ||
	    epair_if_get_word(s->ifp, word, before, sizeof(before), NULL) < 0 ||
	    epair_if_set(s->ifp, word, wanted, NULL) != 0 ||
	    epair_if_get_word(s->ifp, word, after, sizeof(after), NULL) < 0)
		return true;
	return strcmp(before, after) != 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/handed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/fail.h"

/*
 * Kinds that can be handed all that they open: for each key that names
 * something to open, the descriptor that must stand in its place; and the one
 * that must be there in any case.
 */
static const struct rule {
	const char *kind;
	const char *always; /* or NULL */
	const char *keys[4]; /* a descriptor of the same name */
} rules[] = {
	{ "tap", "queue", { "netns", NULL } },
	{ "pcap", NULL, { "read", "write", NULL } },
};

int
ctl_handed_init(struct ctl_handed *h, json_t *names, const int *fds, unsigned n,
    struct epair_err *err)
{
	int error = 0;

	*h = (struct ctl_handed){ 0 };
	if (n > 0)
		h->fds = calloc(n, sizeof(*h->fds));
	if (n > 0 && h->fds == NULL)
		error = ctl_fail(err, -ENOMEM, "no memory for descriptors");
	else if (json_array_size(names) != n)
		error = ctl_fail(err, -EINVAL,
		    "fds: must name the %u descriptors that came along", n);
	for (unsigned i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (error == 0 && name == NULL)
			error = ctl_fail(err, -EINVAL, "fds: must be strings");
		if (error != 0 || name == NULL || h->fds == NULL) {
			(void)close(fds[i]);
			continue;
		}
		h->fds[h->count].name = strdup(name);
		h->fds[h->count++].fd = fds[i];
	}
	if (error != 0)
		ctl_handed_fini(h);
	return error;
}

void
ctl_handed_fini(struct ctl_handed *h)
{
	for (unsigned i = 0; h->fds != NULL && i < h->count; i++) {
		free((char *)(uintptr_t)h->fds[i].name);
		(void)close(h->fds[i].fd);
	}
	free(h->fds);
	*h = (struct ctl_handed){ 0 };
}

static bool
has_fd(const struct ctl_handed *h, const char *name)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->fds[i].name != NULL && strcmp(h->fds[i].name, name) == 0)
			return true;
	return false;
}

/* The next key of a spec behind *at, whose length is *len; or NULL. */
static const char *
next_key(const char **at, size_t *len)
{
	const char *key = *at;

	if (*key == '\0')
		return NULL;
	*len = strcspn(key, "=,");
	for (*at = key + *len; **at != '\0' && **at != ','; (*at)++)
		if (**at == '\\' && (*at)[1] != '\0')
			(*at)++;
	if (**at == ',')
		(*at)++;
	return key;
}

/* Whether a spec has the key. */
static bool
has_key(const char *spec, const char *name)
{
	const char *at = strchr(spec, ':'), *key;
	size_t len;

	if (at == NULL)
		return false;
	for (at++; (key = next_key(&at, &len)) != NULL;)
		if (strlen(name) == len && strncmp(key, name, len) == 0)
			return true;
	return false;
}

static bool
is_kind(const char *spec, const char *kind)
{
	size_t len = strcspn(spec, ":");

	return strlen(kind) == len && strncmp(spec, kind, len) == 0;
}

/*
 * Whether the kind opens nothing. What lives in simulated time has nothing of
 * the system's, but for files; and what there is not opens nothing.
 */
static bool
is_harmless(const char *spec)
{
	const struct epair_kind *kind;

	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++)
		if (is_kind(spec, kind->name))
			return kind->sim && strcmp(kind->name, "pcap") != 0;
	return true;
}

static bool
has_all(const struct rule *rule, const char *spec, const struct ctl_handed *h)
{
	if (rule->always != NULL && !has_fd(h, rule->always))
		return false;
	for (const char *const *key = rule->keys; *key != NULL; key++)
		if (has_key(spec, *key) && !has_fd(h, *key))
			return false;
	return true;
}

int
ctl_handed_may(const struct ctl_who *who, const char *spec,
    const struct ctl_handed *h, struct epair_err *err)
{
	if (is_kind(spec, "tap") && has_key(spec, "fd"))
		return ctl_fail(err, -EINVAL,
		    "fd: is a descriptor of the daemon's own; hand yours over");
	if (who->is_admin || is_harmless(spec))
		return 0;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (is_kind(spec, rules[i].kind) && has_all(&rules[i], spec, h))
			return 0;
	return ctl_fail(err, -EPERM,
	    "%.*s: the daemon opens nothing for user %u; descriptors of all "
	    "that it would open must be handed over",
	    (int)strcspn(spec, ":"), spec, who->uid);
}

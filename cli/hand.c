/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/hand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"

bool
hand_can(const char *spec)
{
	const char *names[EPAIR_ATTACH_NEEDS_MAX];

	return epair_attach_needs(spec, names, EPAIR_ATTACH_NEEDS_MAX, NULL) >
	       0;
}

/* An interface that has the name, address and MTU of the daemon's. */
static int
make_alike(struct epair *ep, const struct epair_if_info *like,
    struct epair_if **ifp, struct epair_err *err)
{
	static const uint8_t unsaid[6];
	bool has_mac = memcmp(like->mac, unsaid, sizeof(unsaid)) != 0;
	struct epair_create how = {
		.size = sizeof(how),
		.mtu = like->mtu,
		.mac_a = has_mac ? like->mac : NULL,
	};
	int error = epair_if_create(ep, NULL, "epair", &how, ifp, err);

	if (error != 0 || strcmp(like->name, "epair0a") == 0)
		return error;
	/* The other end may be in the way. */
	if (strcmp(like->name, "epair0b") == 0) {
		struct epair_if *b = epair_if_peer(*ifp);

		(void)epair_if_rename(b, "peer", NULL);
		epair_if_put(b);
	}
	error = epair_if_rename(*ifp, like->name, err);
	if (error != 0)
		epair_if_put(*ifp);
	return error;
}

/* Open it. Returns how many, or an error. */
static int
open_for(const struct epair_if_info *like, const char *spec,
    struct epair_fd fds[EPAIR_ATTACH_FDS_MAX], struct epair_err *err)
{
	struct epair_if *ifp;
	struct epair *ep;
	int n = epair_new(NULL, &ep, err);

	if (n != 0)
		return n;
	n = make_alike(ep, like, &ifp, err);
	if (n == 0) {
		n = epair_attach_open(
		    ifp, spec, fds, EPAIR_ATTACH_FDS_MAX, err);
		epair_if_put(ifp);
	}
	(void)epair_free(ep);
	return n;
}

/* Add n descriptors, which it takes, for what is written as text. */
static int
add(const struct cli *cli, const char *text, const struct epair_fd *fds, int n,
    struct hand *hand, json_t **names)
{
	int left = n;

	*names = json_array();
	for (; left > 0 && hand->count < CTL_FDS_MAX; left--) {
		(void)json_array_append_new(
		    *names, json_string(fds[n - left].name));
		hand->fds[hand->count++] = fds[n - left].fd;
	}
	if (left == 0)
		return CLI_OK;
	while (left > 0)
		(void)close(fds[n - left--].fd);
	json_decref(*names);
	cli_complain(cli,
	    "%s: one request hands over %u descriptors at most; make it "
	    "several",
	    text, CTL_FDS_MAX);
	return CLI_FAILED;
}

int
hand_open(const struct cli *cli, const struct epair_if_info *like,
    const char *spec, struct hand *hand, json_t **names)
{
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX] = { 0 };
	struct epair_err err = { 0 };
	int n = open_for(like, spec, fds, &err);

	return n < 0 ? cli_fail(cli, spec, &err)
		     : add(cli, spec, fds, n, hand, names);
}

bool
hand_can_link(const char *words)
{
	const char *names[EPAIR_LINK_FDS_MAX];

	return epair_link_needs(words, names, EPAIR_LINK_FDS_MAX, NULL) > 0;
}

int
hand_open_link(
    const struct cli *cli, const char *words, struct hand *hand, json_t **names)
{
	struct epair_fd fds[EPAIR_LINK_FDS_MAX];
	struct epair_err err = { 0 };
	int n = epair_link_open(words, fds, EPAIR_LINK_FDS_MAX, &err);

	return n < 0 ? cli_fail(cli, "link", &err)
		     : add(cli, words, fds, n, hand, names);
}

/* What an end is called, or will be as far as one can know. */
static void
name_end(json_t *pair, json_t *end, char side, char name[EPAIR_NAME_MAX])
{
	const char *own = json_string_value(json_object_get(end, "name"));
	const char *of_pair = json_string_value(json_object_get(pair, "name"));

	if (of_pair == NULL || strcmp(of_pair, "epair") == 0)
		of_pair = "epair0";
	if (own != NULL)
		(void)snprintf(name, EPAIR_NAME_MAX, "%s", own);
	else
		(void)snprintf(name, EPAIR_NAME_MAX, "%s%c", of_pair, side);
}

/* Whether an end has that already. */
static bool
has(json_t *is, const char *key, const char *text)
{
	const char *now = json_string_value(json_object_get(is, key));

	return now != NULL && strcmp(now, text) == 0;
}

/* Of one end's link, which the pair may say for both. */
static int
hand_link(const struct cli *cli, json_t *pair, const char *side, json_t *is,
    struct hand *hand)
{
	json_t *end = json_object_get(pair, side), *names = NULL;
	json_t *link = json_object_get(end, "link");
	const char *words;
	int status;

	if (link == NULL)
		link = json_object_get(pair, "link");
	words = json_string_value(link);
	if (words == NULL || !hand_can_link(words) || has(is, "link", words))
		return CLI_OK;
	status = hand_open_link(cli, words, hand, &names);
	if (status != CLI_OK)
		return status;
	if (end == NULL) {
		end = json_object();
		(void)json_object_set_new(pair, side, end);
	}
	(void)json_object_set_new(end, "link-fds", names);
	return CLI_OK;
}

static int
hand_attachment(const struct cli *cli, json_t *pair, const char *side,
    json_t *is, struct hand *hand)
{
	struct epair_if_info like = { .size = sizeof(like) };
	json_t *end = json_object_get(pair, side), *names = NULL;
	const char *spec = json_string_value(json_object_get(end, "attach"));
	int status;

	if (spec == NULL || !hand_can(spec) || has(is, "attach", spec))
		return CLI_OK;
	name_end(pair, end, *side, like.name);
	status = hand_open(cli, &like, spec, hand, &names);
	if (status == CLI_OK)
		(void)json_object_set_new(end, "fds", names);
	return status;
}

int
hand_pair(const struct cli *cli, json_t *pair, json_t *is, struct hand *hand)
{
	static const char *const sides[] = { "a", "b" };
	int status = CLI_OK;

	/* In the order in which the daemon takes them. */
	for (int i = 0; i < 2 && status == CLI_OK; i++) {
		json_t *end = json_object_get(is, sides[i]);

		status = hand_link(cli, pair, sides[i], end, hand);
		if (status == CLI_OK)
			status = hand_attachment(
			    cli, pair, sides[i], end, hand);
	}
	return status;
}

int
hand_call(const struct cli *cli, struct ctl_client *c, const char *method,
    json_t *params, struct hand *hand, json_t **result)
{
	int status = ask_send(cli, c, method, params, hand->fds, hand->count);

	hand_close(hand);
	return status == CLI_OK ? ask_answer(cli, c, result) : status;
}

void
hand_close(struct hand *hand)
{
	while (hand->count > 0)
		(void)close(hand->fds[--hand->count]);
}

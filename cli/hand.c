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

int
hand_open(const struct cli *cli, const struct epair_if_info *like,
    const char *spec, struct hand *hand, json_t **names)
{
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX] = { 0 };
	struct epair_err err = { 0 };
	int n = open_for(like, spec, fds, &err), left = n;

	if (n < 0)
		return cli_fail(cli, spec, &err);
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
	    spec, CTL_FDS_MAX);
	return CLI_FAILED;
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

int
hand_pair(const struct cli *cli, json_t *pair, json_t *is, struct hand *hand)
{
	static const char *const sides[] = { "a", "b" };
	struct epair_if_info like = { .size = sizeof(like) };
	int status = CLI_OK;
	json_t *names = NULL;

	for (int i = 0; i < 2 && status == CLI_OK; i++) {
		json_t *end = json_object_get(pair, sides[i]);
		const char *spec = json_string_value(
		    json_object_get(end, "attach"));
		const char *has = json_string_value(
		    json_object_get(json_object_get(is, sides[i]), "attach"));

		if (spec == NULL || !hand_can(spec) ||
		    (has != NULL && strcmp(has, spec) == 0))
			continue;
		name_end(pair, end, *sides[i], like.name);
		status = hand_open(cli, &like, spec, hand, &names);
		if (status == CLI_OK)
			(void)json_object_set_new(end, "fds", names);
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

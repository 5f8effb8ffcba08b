/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/hand.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ctl/codec_if.h"

bool
hand_can(const char *spec)
{
	/* Those of which epair_attach_fds(3) tells. */
	static const char *const kinds[] = { "tap", "pcap" };
	size_t len = strcspn(spec, ":");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]) == len &&
		    strncmp(kinds[i], spec, len) == 0)
			return true;
	return false;
}

/* An interface that has the name, address and MTU of the daemon's. */
static int
make_alike(struct epair *ep, const struct epair_if_info *like,
    struct epair_if **ifp, struct epair_err *err)
{
	struct epair_create how = {
		.size = sizeof(how), .mtu = like->mtu, .mac_a = like->mac
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

int
hand_open(const struct cli *cli, const struct ctl_if *like, const char *spec,
    struct hand *hand)
{
	struct epair_err err = { 0 };
	struct epair_if *ifp;
	struct epair *ep;
	int error = epair_new(NULL, &ep, &err), count = 0;

	hand->count = 0;
	if (error != 0)
		return cli_fail(cli, "an instance", &err);
	error = make_alike(ep, &like->info, &ifp, &err);
	if (error == 0) {
		error = epair_attach(ifp, spec, &err);
		if (error == 0)
			count = epair_attach_get_fds(
			    ifp, hand->fds, EPAIR_ATTACH_FDS_MAX);
		(void)epair_detach(ifp, NULL);
		epair_if_put(ifp);
	}
	(void)epair_free(ep);
	if (error != 0)
		return cli_fail(cli, spec, &err);
	if (count < 0) {
		cli_complain(
		    cli, "%s: its descriptors: %s", spec, strerror(-count));
		return CLI_FAILED;
	}
	hand->count = (unsigned)count;
	return CLI_OK;
}

void
hand_close(struct hand *hand)
{
	while (hand->count > 0)
		(void)close(hand->fds[--hand->count].fd);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/state.h - making again what was there, in another process.
 *
 * A program that is to survive its own end writes down what these calls give,
 * and hands it to the same calls of the program that comes after it:
 *
 *	given by			taken by
 *	epair_get_numbers()		epair_set_numbers()
 *	epair_vnet_list(), _get_kind()	epair_vnet_add(), oldest first
 *	epair_if_get_info()		epair_if_restore(), oldest pair first
 *	epair_if_get_qdisc()		epair_if_set_qdisc()
 *	epair_if_get_link(),		epair_if_set_link_fds(), or
 *	epair_if_get_link_fds()		epair_if_set_link() where there are none
 *	epair_if_get_attachment(),	epair_attach_fds(), or epair_attach()
 *	epair_attach_get_fds()		where there are none
 *
 * What comes to be that way cannot be told from what was, but for its counters
 * and the frames that were under way. Descriptors survive in whoever holds
 * duplicates of them meanwhile: a TAP with its addresses and routes is there
 * for as long as somebody does, and the kernel queues its frames.
 *
 * Everything that is taken is checked: it may come from a file that somebody
 * has edited.
 */
#ifndef EPAIR_STATE_H
#define EPAIR_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>
#include <epair/if.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;
struct epair_if;

/* What an instance counts by. */
struct epair_numbers {
	size_t size; /* sizeof(struct epair_numbers) */
	uint64_t host_id; /* of contract 2.3 and 2.4 */
	uint32_t mac_counter; /* n of contract 2.3 */
	uint64_t last_place; /* that an interface had in a vnet's list */
};

/* Fill *numbers. Returns 0, or -EINVAL for the size. */
EPAIR_API int epair_get_numbers(
    struct epair *ep, struct epair_numbers *numbers);

/*
 * Go on from there. last_place never goes back.
 * Returns 0, or -EINVAL for the size.
 */
EPAIR_API int epair_set_numbers(struct epair *ep,
    const struct epair_numbers *numbers, struct epair_err *err);

/*
 * Make the pair that a and b were said to be the ends of: with its unit and
 * home, each end with its index, name, vnet and place there, address, MTU, FIB,
 * description, settable flags, capabilities, queue limit and what it does when
 * that is reached. The vnets must be there; the sides of a and b are 'a' and
 * 'b'. What is told of peers, link and media follows from these; attachment,
 * discipline, link and multicast memberships are for the other calls, and the
 * kind of a vnet gives it nothing.
 *
 * Gives a reference to the `a` end in *ap, unless ap is NULL.
 *
 * Returns 0; -EINVAL for what no pair can be, naming it; -EEXIST for a unit,
 * name, index, place or address that is taken; -ENOENT for a vnet; -ENOMEM;
 * -ENOBUFS at the instance's limit of pairs.
 */
EPAIR_API int epair_if_restore(struct epair *ep, const struct epair_if_info *a,
    const struct epair_if_info *b, struct epair_if **ap, struct epair_err *err);

/*
 * A descriptor and what it is to its attachment:
 *
 *	tap	queue	one of the device's; as many as it has queues, in order
 *		netns	the namespace in which it is, or is to be made
 *	pcap	read	the file that is replayed, from its beginning
 *		write	the file that is recorded, behind its end
 *	packet	queue	a packet socket of the device's namespace, as many as
 *			it is to have queues
 *	memif	listen	a socket that listens, for role=server
 *		peer	one that is connected to the server
 *	vhost	listen, peer: the same, by mode=
 *	qemu	listen, peer: the same; dgram takes both, `listen` being bound
 *		qmp	connected to QEMU's monitor
 *
 * Sockets are given back only as they were handed over: those of its own an
 * attachment finds again by name. A connection that was handed over is lost for
 * good when it ends, and with it the attachment; and it does not survive, nor
 * do a monitor's and what goes with it. A path at which a socket listens that
 * was handed over is not removed: who listens there next does that.
 */
struct epair_fd {
	const char *name; /* one of these */
	int fd;
};

#define EPAIR_ATTACH_FDS_MAX   65u /* of one attachment */
#define EPAIR_ATTACH_NEEDS_MAX 4u /* names that epair_attach_needs() gives */

/*
 * Attach by name, with descriptors in the place of what it would open; with
 * spec NULL, what the vnet's kind gives. Borrows the descriptors: it keeps
 * duplicates.
 *
 * A TAP that comes as `queue` is taken as it stands: the addresses and routes
 * that it was made with are not added once more. If spec names a namespace and
 * `netns` comes along, the name must still be that namespace's; without, the TAP
 * says itself where it is, and the name is not looked for.
 *
 * Returns as epair_attach(); -EINVAL for descriptors that the kind does not
 * take; -ESTALE if the name means another namespace by now; -ENOENT if spec is
 * NULL and the vnet gives nothing.
 */
EPAIR_API int epair_attach_fds(struct epair_if *ifp, const char *spec,
    const struct epair_fd *fds, unsigned count, struct epair_err *err);

/*
 * Duplicates of what the attachment holds, to be handed over; up to max of
 * them, the caller's to close.
 * Returns how many; -ENOENT if nothing is attached; -ENOSPC if there are more
 * than max; -EMFILE; -ENXIO.
 */
EPAIR_API int epair_attach_get_fds(
    struct epair_if *ifp, struct epair_fd *fds, unsigned max);

/*
 * Handing over: a program that may not open what another names for it is given
 * descriptors instead.
 *
 * What must be given for an attachment of that text to open nothing, neither
 * file nor device, socket or namespace: names, up to max, of descriptors that
 * epair_attach_fds() takes; a device has a `queue` for each of its queues.
 * Touches nothing.
 * Returns how many, 0 if it opens nothing anyhow; -EPERM if no descriptor will
 * do; -ENOSPC; -EINVAL for the text, also for one that speaks of descriptors of
 * the other program's; -EOPNOTSUPP.
 */
EPAIR_API int epair_attach_needs(
    const char *spec, const char **names, unsigned max, struct epair_err *err);

/*
 * Open for ifp, with our rights, what an attachment of that text would, and
 * give the descriptors, up to max, the caller's to close: what stands behind
 * them is there for as long as somebody holds them. Nothing is attached. A
 * device is called and set up as one for ifp is; connecting may take a while.
 * Returns how many; as epair_attach(); -ENOSPC.
 */
EPAIR_API int epair_attach_open(struct epair_if *ifp, const char *spec,
    struct epair_fd *fds, unsigned max, struct epair_err *err);

/*
 * The same for the FILEs of a link (epair/link.h), whose descriptors are
 *
 *	table	of `distribution FILE`
 *	slots	of `slot distribution FILE`
 *	trace	of `trace FILE`
 */
#define EPAIR_LINK_FDS_MAX 3u /* of one link */

/* The name of the i-th of them, from 0 on; NULL behind the last. */
EPAIR_API const char *epair_link_fd_at(unsigned i);

/*
 * What the words name, whatever link they change: names, up to max, of
 * descriptors. Touches nothing.
 * Returns how many; -ENOSPC; -EINVAL for words that no link can be set to.
 */
EPAIR_API int epair_link_needs(
    const char *words, const char **names, unsigned max, struct epair_err *err);

/*
 * Open it, with our rights, and give the descriptors, up to max, the caller's
 * to close. Whether there is in them what should be, setting them tells.
 * Returns how many; -ENOSPC; -EINVAL; what the system said of a file.
 */
EPAIR_API int epair_link_open(const char *words, struct epair_fd *fds,
    unsigned max, struct epair_err *err);

/*
 * epair_if_set_link(), with files read from descriptors; those that are not
 * there are opened. Borrows the descriptors: it keeps duplicates, for as long
 * as what was read is in use, and moves no file's offset. A trace has
 * 4 MiB at most, so that who hands many over takes no more.
 * Returns as epair_if_set_link(); -EINVAL for descriptors of files that the
 * words do not name.
 */
EPAIR_API int epair_if_set_link_fds(struct epair_if *ifp, const char *words,
    const struct epair_fd *fds, unsigned count, struct epair_err *err);

/*
 * Duplicates of what was handed over and is in use, up to max, the caller's to
 * close. Returns how many; -ENOSPC; -EMFILE; -ENXIO.
 */
EPAIR_API int epair_if_get_link_fds(
    struct epair_if *ifp, struct epair_fd *fds, unsigned max);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_STATE_H */

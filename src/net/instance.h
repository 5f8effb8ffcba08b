/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/instance.h - struct epair: what an instance holds.
 *
 * Locking: `lock` is the configuration lock. It serialises every change of
 * vnets, interfaces and names and guards all fields marked (c), here and in
 * net/vnet.h and net/ifnet.h. The data path never takes it. No callback is
 * called and nothing is waited for with it held. Order: lock, then a
 * worker's, a queue's or a subscription's own lock.
 */
#ifndef EP_NET_INSTANCE_H
#define EP_NET_INSTANCE_H

#include <sys/queue.h>

#include <epair/instance.h>

#include "base/domain.h"
#include "base/index.h"
#include "base/lock.h"
#include "base/rng.h"
#include "base/table.h"

struct ep_opener;
struct ep_pool;
struct ep_sched;
struct epair_sub;
struct epair_vnet;

TAILQ_HEAD(ep_vnet_list, epair_vnet);
TAILQ_HEAD(ep_sub_list, epair_sub);

struct epair {
	struct ep_mutex lock;
	struct ep_domain domain; /* its threads and epoch */
	struct ep_pool *pool;
	struct ep_sched *sched;
	struct epair_opts opts; /* with the defaults filled in; constant */

	struct ep_vnet_list vnets; /* (c) oldest first; vnet0 leads */
	uint32_t vnet_count; /* (c) */
	struct ep_index indexes; /* (c) interface indexes in use */
	struct epair_if **by_index; /* (c) by_index[i], i < by_index_size */
	uint32_t by_index_size; /* (c) */
	struct ep_table by_mac; /* (c) */
	uint32_t pair_count; /* (c) alive */
	uint32_t pairs_unfreed; /* atomic: whose memory is still there */
	uint64_t last_place; /* (c) that an interface was put at */
	uint64_t last_vnet; /* (c) serial */
	uint32_t next_worker; /* (c) whom the next pair is dealt to */

	uint64_t host_id; /* (c) */
	uint32_t mac_counter; /* (c) n of contract 2.3 */
	struct ep_rng rng; /* (c) */

	struct ep_sub_list subs; /* under subs_lock */
	struct ep_mutex subs_lock;
	uint32_t sub_count; /* under subs_lock */
	uint32_t capture_count; /* atomic: captures not closed */

	/* Waiting for callbacks; see net/run.h. */
	struct ep_mutex hold_lock;
	struct ep_cond hold_cond;
	uint32_t teardowns; /* under hold_lock: begun by destroy, not over */

	struct ep_opener *opener; /* (c) NULL until started */
};

#endif /* EP_NET_INSTANCE_H */

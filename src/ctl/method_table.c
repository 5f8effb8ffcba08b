/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked; see method.h.
 */
#include "ctl/method.h"

#define END \
	{ \
		NULL \
	}

#define PARAM_IF \
	{ \
		"if", CTL_STRING, true, \
		    "the interface: VNET/NAME, or NAME where no other vnet has it" \
	}
#define PARAM_DRY \
	{ \
		"dry-run", CTL_BOOLEAN, false, \
		    "change nothing; the result has the steps" \
	}

static const struct ctl_param no_params[] = { END };

static const struct ctl_param show_params[] = {
	{ "if", CTL_STRING, false, "only this interface" },
	{ "vnet", CTL_STRING, false, "only the interfaces of this vnet" },
	{ "stats", CTL_BOOLEAN, false, "with counters (true if left out)" },
	{ "detail", CTL_BOOLEAN, false,
	    "with histograms, and what link and discipline have done" },
	{ "after", CTL_STRING, false,
	    "go on where `more` of the page before says" },
	END,
};

static const struct ctl_param create_params[] = {
	{ "name", CTL_STRING, false,
	    "epair, for the lowest free unit, or epairN" },
	{ "vnet", CTL_STRING, false,
	    "where to make it (left out: vnet0, or the only one of yours)" },
	{ "mac-policy", CTL_STRING, false, "original or stable" },
	{ "a", CTL_OBJECT, false,
	    "of this end: vnet to move it to, name, link-fds as the fds of "
	    "set, attach with fds as in attach, and words" },
	{ "b", CTL_OBJECT, false, "the same of the other" },
	{ "*", CTL_VALUE, false,
	    "a word of epair_if_set(3), for both ends: \"mtu\": 9000" },
	END,
};

static const struct ctl_param apply_params[] = {
	{ "vnets", CTL_ARRAY, false, "objects as the parameters of vnet-add" },
	{ "pairs", CTL_ARRAY, false, "objects as the parameters of create" },
	PARAM_DRY,
	{ "progress", CTL_BOOLEAN, false, "send `progress` on long work" },
	END,
};

static const struct ctl_param if_params[] = { PARAM_IF, END };

static const struct ctl_param attach_params[] = {
	PARAM_IF,
	{ "spec", CTL_STRING, true, "what, as in epair-attach(7)" },
	{ "fds", CTL_ARRAY, false,
	    "what the descriptors that come along are to it, in order, by the "
	    "names of epair_attach_fds(3)" },
	END,
};

static const struct ctl_param move_params[] = {
	PARAM_IF,
	{ "vnet", CTL_STRING, true, "where to" },
	END,
};

static const struct ctl_param set_params[] = {
	PARAM_IF,
	{ "words", CTL_OBJECT, true,
	    "words of epair_if_set(3) and their values, in order; all or "
	    "nothing" },
	{ "fds", CTL_ARRAY, false,
	    "which files of a link the descriptors are that come along, in "
	    "order, by the names of epair_link_needs(3)" },
	END,
};

static const struct ctl_param vnet_add_params[] = {
	{ "name", CTL_STRING, true, "of the vnet" },
	{ "kind", CTL_STRING, false,
	    "what is attached to every interface in it" },
	{ "owner", CTL_INTEGER, false, "id of the user whose it is" },
	{ "max-pairs", CTL_INTEGER, false,
	    "pairs that may be made in it; 0 is no limit" },
	END,
};

static const struct ctl_param vnet_set_params[] = {
	{ "name", CTL_STRING, true, "of the vnet" },
	{ "owner", CTL_INTEGER, false, "id of the user whose it is to be" },
	{ "max-pairs", CTL_INTEGER, false,
	    "pairs that may be made in it; 0 is no limit" },
	END,
};

static const struct ctl_param vnet_del_params[] = {
	{ "name", CTL_STRING, true, "of the vnet" },
	END,
};

static const struct ctl_param capture_params[] = {
	PARAM_IF,
	{ "both", CTL_BOOLEAN, false, "the other end too" },
	{ "side", CTL_STRING, false,
	    "in or out: only what it receives or sends" },
	{ "filter", CTL_STRING, false, "pcap-filter(7)" },
	{ "snaplen", CTL_INTEGER, false, "octets kept of a frame" },
	{ "buffer", CTL_INTEGER, false, "octets that wait to be read" },
	END,
};

static const struct ctl_param metrics_params[] = {
	{ "openmetrics", CTL_BOOLEAN, false,
	    "in the dialect of OpenMetrics, not in Prometheus' own" },
	END,
};

static const struct ctl_method methods[] = {
	{ "hello", "who is there", CTL_MAY_ALL, 0, no_params,
	    "version, pid, uid (yours) and admin (whether you may do all)", "",
	    ctl_do_hello, NULL },
	{ "introspect", "this table", CTL_MAY_ALL, 0, no_params,
	    "methods, events and ends, each with its sentences", "",
	    ctl_do_introspect, NULL },
	{ "show", "interfaces and what they counted", CTL_MAY_ALL, 0,
	    show_params, "interfaces, and more if there are more than a page",
	    "ENXIO ENOENT EINVAL", ctl_do_show, NULL },
	{ "vnets", "the vnets", CTL_MAY_ALL, 0, no_params,
	    "vnets: name, kind, owner, max-pairs, pairs", "", ctl_do_vnets,
	    NULL },
	{ "config", "what apply would take to make all this", CTL_MAY_ALL, 0,
	    no_params, "vnets and pairs", "", ctl_do_config, NULL },
	{ "create", "make a pair, configured and attached, or nothing",
	    CTL_MAY_ALL, CTL_FDS_MAX, create_params,
	    "made: its a end, VNET/NAME",
	    "EEXIST ENOSPC ENOENT EDQUOT EPERM ENOBUFS", NULL,
	    ctl_plan_create },
	{ "apply", "make what is wanted so, all of it or nothing", CTL_MAY_ALL,
	    CTL_FDS_MAX, apply_params,
	    "steps: how many there were, or with dry-run what they are; made: "
	    "the a ends of new pairs",
	    "EEXIST ENOSPC ENOENT EDQUOT EPERM EBUSY", NULL, ctl_plan_apply },
	{ "destroy", "destroy the pair that an interface is an end of",
	    CTL_MAY_ALL, 0, if_params, "steps", "ENXIO ENOENT EPERM", NULL,
	    ctl_plan_destroy },
	{ "attach", "attach something to an interface", CTL_MAY_ALL,
	    CTL_FDS_MAX, attach_params, "steps",
	    "ENXIO ENOENT EBUSY EPERM EOPNOTSUPP", NULL, ctl_plan_attach },
	{ "detach", "detach it", CTL_MAY_ALL, 0, if_params, "steps",
	    "ENXIO ENOENT", NULL, ctl_plan_detach },
	{ "move", "move an interface to another vnet", CTL_MAY_ALL, 0,
	    move_params, "steps", "ENXIO ENOENT EEXIST", NULL, ctl_plan_move },
	{ "set", "set words of an interface", CTL_MAY_ALL, CTL_FDS_MAX,
	    set_params, "steps", "ENXIO ENOENT EEXIST EPERM ENAMETOOLONG", NULL,
	    ctl_plan_set },
	{ "vnet-add", "make a vnet", CTL_MAY_ADMIN, 0, vnet_add_params, "steps",
	    "EEXIST", NULL, ctl_plan_vnet_add },
	{ "vnet-set", "give it away, or limit it", CTL_MAY_ADMIN, 0,
	    vnet_set_params, "steps", "ENOENT", NULL, ctl_plan_vnet_set },
	{ "vnet-del", "end a vnet and the pairs made in it", CTL_MAY_ADMIN, 0,
	    vnet_del_params, "steps", "ENOENT EBUSY", NULL, ctl_plan_vnet_del },
	{ "netns", "enter the namespace of a vnet", CTL_MAY_ALL, 0,
	    vnet_del_params,
	    "nothing, and one descriptor: the network namespace that netns=new "
	    "in its kind made",
	    "ENOENT ENXIO", ctl_do_netns, NULL },
	{ "monitor", "be sent `event` from now on", CTL_MAY_ALL, 0, no_params,
	    "nothing; before it returns no event is missed", "EALREADY EDQUOT",
	    ctl_do_monitor, NULL },
	{ "capture", "capture frames", CTL_MAY_ALL, 0, capture_params,
	    "nothing, and one descriptor: a socket from which pcapng is read "
	    "until it is closed or the capture ends",
	    "ENXIO ENOENT EPERM EDQUOT", ctl_do_capture, NULL },
	{ "metrics", "all that is counted, for Prometheus", CTL_MAY_ALL, 0,
	    metrics_params,
	    "nothing, and one descriptor: a file in memory with the text", "",
	    ctl_do_metrics, NULL },
	{ "daemon", "how the daemon is doing", CTL_MAY_ADMIN, 0, no_params,
	    "usage of the instance, connections, limits, and ended: how many "
	    "connections ended for each reason",
	    "", ctl_do_daemon, NULL },
};

const struct ctl_method *
ctl_method_at(unsigned i)
{
	return i < sizeof(methods) / sizeof(methods[0]) ? &methods[i] : NULL;
}

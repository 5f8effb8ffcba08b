/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memif_wake.pml - no frame lies in a ring whose reader sleeps for good:
 * src/attach/memif/io.c, turn(), with ring.c's publish, mask and look.
 *
 * Two senders on one ring, as if they were one peer in two moods. One stores the
 * index and then loads MASK_INT, as we do, sequentially consistent. The other
 * has no fence between the two, as DPDK 22.11 has none, so that its load may
 * come first: it looks, and what it has stored is seen some time later, `under_
 * way` until then. The reader's timer is long against that, so it fires only
 * when nothing is under way.
 *
 * The reader ends when it has all frames; where one is left lying it waits, and
 * that is a deadlock. Without a look that overtook its store no frame waits for
 * the timer: that is asserted. The claim is that the reader falls quiet: its
 * timer does not fire for ever.
 *
 * Mutants: no look after unmasking; no last look; the eventfd read after the
 * ring instead of before; and a last look that masks while it looks, as the
 * first version did: who looks at the mask just then is lost behind it.
 *
 * Holds, in 45,538 states; the claim, in 2,089,641 of the product with fairness.
 *
 * pan: -f -m1000000
 */
#define N 2 /* frames of each sender */
#define ALL 4

byte head = 0, taken = 0;
byte under_way = 0;
byte busy = 0; /* senders between publishing and having signalled */
bit overtaken = 0; /* some look came before its store */
bit mask = 0, eventfd = 0;
bit task = 0, timer = 0;

active proctype fenced()
{
	byte i = 0;
	do
	:: i < N ->
		atomic { head++; busy++ }
		if
		:: !mask -> atomic { eventfd = 1; busy-- }
		:: else -> busy--
		fi;
		i++
	:: else -> break
	od
}

active proctype unfenced()
{
	byte i = 0;
	bit saw;
	do
	:: i < N ->
		atomic { saw = mask; under_way++ }
		atomic { head++; under_way--; busy++; overtaken = overtaken || saw }
		if
		:: !saw -> atomic { eventfd = 1; busy-- }
		:: else -> busy--
		fi;
		i++
	:: else -> break
	od
}

inline turn()
{
	mask = 1;
	found = 0;
	/* A turn's budget may end before the ring does. */
	do
	:: taken < head -> taken++; found = 1
	:: taken == head || found -> break
	od;
	if
	:: taken < head -> task = 1
	:: true -> /* what it took was all that it saw */
		mask = 0;
#ifndef MUTANT_NO_LOOK
		if
		:: taken != head -> mask = 1; task = 1
		:: else -> sleep()
		fi
#else
		sleep()
#endif
	fi
}

inline sleep()
{
#ifndef MUTANT_NO_TIMER
	timer = 1
#else
	skip
#endif
}

active proctype reader()
{
	bit found;

	do
	:: taken == ALL && !task && !timer && !eventfd -> break
	:: eventfd ->
#ifndef MUTANT_CLEAR_LATE
		eventfd = 0;
		turn()
#else
		turn();
		eventfd = 0
#endif
	:: task -> task = 0; turn()
	:: timer && under_way == 0 ->
		timer = 0;
		assert(taken == head || overtaken || busy || eventfd || task);
#ifndef MUTANT_MASKED_LOOK
		if
		:: taken != head -> turn()
		:: else
		fi
#else
		mask = 1;
		if
		:: taken != head -> turn()
		:: else -> mask = 0
		fi
#endif
	od
}

ltl falls_quiet { <>[](taken == ALL && !timer && !task && !eventfd) }

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoch.pml - a section without a fence sees nothing that was waited for:
 * src/base/domain.h, ep_epoch_begin() and ep_epoch_wait(), one reader and two
 * writers that each take away a thing of their own.
 *
 * A reader's stores wait in its store buffer, and come out in order whenever
 * they like; its loads do not wait for them (TSO). ep_barrier_heavy() empties
 * the buffers of all readers. The writer then does as ck_epoch_synchronize_wait()
 * does: passes two grace periods, in each of which no section of another epoch
 * is open, or has that done by the other writer; or sees no section open at all.
 *
 * The mutant has no such barrier, and frees what the reader is looking at.
 */
#define READERS 1
#define WRITERS 2
#define GRACE 3

byte epoch = 0;
bit is_there[WRITERS] = 1; /* can be found */
bit is_alive[WRITERS] = 1; /* and has not been freed */

/* As memory has them; and what is still in the reader's buffer. */
bit inside[READERS];
byte seen[READERS];
byte buffered[READERS]; /* bit 0: inside, bit 1: seen */
byte new_seen[READERS];
bit new_inside[READERS];

/* The oldest store of a reader comes out. */
inline drain_one(r)
{
	if
	:: (buffered[r] & 1) != 0 ->
		inside[r] = new_inside[r];
		buffered[r] = buffered[r] & 2
	:: (buffered[r] & 1) == 0 && (buffered[r] & 2) != 0 ->
		seen[r] = new_seen[r];
		buffered[r] = 0
	fi
}

proctype buffer(byte r)
{
end:
	do
	:: atomic { buffered[r] != 0 -> drain_one(r) }
	od
}

proctype reader(byte r)
{
	byte rounds = 2, w;
	bit found;
	do
	:: rounds > 0 ->
		rounds--;
		/* a section's end is a release: in order behind all before */
		atomic {
			buffered[r] == 0; /* one section's stores at a time */
			new_inside[r] = 1;
			buffered[r] = 1
		}
		atomic { new_seen[r] = epoch; buffered[r] = buffered[r] | 2 }
		w = 0;
		do
		:: w < WRITERS ->
			found = is_there[w];
			if
			:: found -> assert(is_alive[w])
			:: else
			fi;
			w++
		:: else -> break
		od;
		atomic { buffered[r] == 0 -> new_inside[r] = 0; buffered[r] = 1 }
	:: else -> break
	od
}

#define blocks(r, at) (inside[r] && seen[r] != at)

proctype writer(byte me)
{
	byte delta, goal, from, pass = 0, r;
	bit any;

	is_there[me] = 0;
#ifndef MUTANT_NO_BARRIER
	/* Every reader's processor fences. */
	atomic {
		r = 0;
		do
		:: r < READERS ->
			do
			:: buffered[r] != 0 -> drain_one(r)
			:: else -> break
			od;
			r++
		:: else -> break
		od
	}
#endif
	from = epoch; delta = from; goal = from + GRACE;
	do
	:: pass < GRACE - 1 ->
		r = 0; any = 0;
		do
		:: r < READERS ->
			if
			:: inside[r] -> any = 1
			:: else
			fi;
			if
			:: blocks(r, delta) ->
				if
				:: epoch != delta ->
					delta = epoch;
					if
					:: delta >= goal -> goto leave
					:: else
					fi;
					r = 0; any = 0
				:: else -> (!blocks(r, delta) || epoch != delta)
				fi
			:: else -> r++
			fi
		:: else -> break
		od;
		if
		:: !any -> break
		:: else
		fi;
		/* compare and swap */
		atomic {
			if
			:: epoch == delta -> epoch++; delta++
			:: else -> delta = epoch
			fi
		}
		pass++
	:: else -> break
	od;
leave:
	is_alive[me] = 0
}

init {
	atomic {
		run buffer(0); run reader(0);
		run writer(0); run writer(1)
	}
}

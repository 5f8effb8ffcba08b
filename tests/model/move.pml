/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * move.pml - an interface that moves while frames come, and what its vnets give
 * it: src/pair/move.c, ep_stack_leave_behind(), ep_attach_by_vnet(). Vnet 0
 * gives nothing, 1 and 2 each a kind of its own. Two threads move the interface
 * and set it UP, its peer transmits, the queue's task delivers.
 *
 * A frame is checked under `up` in an epoch section, then handed to what is
 * attached by then; the stack is held meanwhile. Each atomic block is done under
 * the configuration lock or the queue's.
 *
 * Holds: what is attached belongs to the vnet where the interface is, always; so
 * a frame is handed to the vnet where the interface is when it is handed; no
 * stack is entered that has been released, and none still runs when its mover
 * returns; each frame is delivered or dropped, once; and when both movers have
 * returned, what the last vnet gives is attached.
 *
 * The mutants: the old vnet's attachment is taken away after the move, as it
 * was before ep_stack_leave_behind(): UP again, the interface hands frames of
 * the new vnet to the old one; the new one is attached without a look where the
 * interface is by then; and it is released without waiting for the epoch.
 *
 * Holds, in 932,652 states.
 *
 * pan: -m1000000
 */
#define FRAMES 2

byte vnet = 0, stack = 0; /* what is attached; 0: nothing */
bit up = 1;
byte owner[6]; /* of a stack: whose kind it is */
byte holds[6], section = 0, made = 0;
bit released[6];
byte queued = 0, open = 0;
byte moving = 2;

inline taken_care()
{
	assert(stack == 0 || owner[stack] == vnet)
}

active proctype transmitter()
{
	byte n = 0;

	do
	:: n < FRAMES ->
		n++; open++;
		if
		:: up -> atomic { queued++ }
		:: else -> open-- /* peer-down */
		fi
	:: else -> break
	od
}

active proctype task()
{
	byte batch, st, was_in;

end:	do
	:: atomic { queued > 0 -> batch = queued; queued = 0 }
		section++;
		if
		:: !up -> section++; open = open - batch /* rx-down */
		:: else ->
			st = stack;
			if
			:: st != 0 ->
				skip; /* holds it only now */
				atomic {
					assert(!released[st]); holds[st]++;
					/* Or it is on its way out. */
					assert(owner[st] == vnet || st != stack)
				}
			:: else
			fi;
			section++;
			if
			:: st != 0 ->
				assert(holds[st] > 0 && !released[st]);
				open = open - batch; /* receive() */
				holds[st]--
			:: else -> open = open - batch /* rx-no-stack */
			fi
		fi;
		batch = 0; st = 0
	od
}

proctype mover(byte first, second)
{
	byte to = first, old, s;
	bit moved;

again:
	/* ep_pair_move_locked(): but not to where it is (EEXIST). */
	atomic {
		moved = (vnet != to);
		if
		:: moved ->
			up = 0;
			vnet = to;
			old = stack;
#ifndef MUTANT_DETACHES_LATER
			stack = 0;
			taken_care()
#endif
		:: else
		fi
	}
	if
	:: moved ->
#ifdef MUTANT_DETACHES_LATER
		up = 1; /* by somebody else, quickly */
		atomic { taken_care(); stack = 0 }
#endif
		/* ep_stack_end() */
		if
		:: old != 0 ->
#ifndef MUTANT_RELEASES_AT_ONCE
			s = section;
			if
			:: s % 2 == 1 -> section != s
			:: else
			fi;
			s = 0;
#endif
			holds[old] == 0 -> released[old] = 1
		:: else
		fi;
		old = 0;
		/* ep_attach_by_vnet(): make it, then publish it. */
		if
		:: vnet == 0 || stack != 0
		:: else ->
			s = vnet;
			atomic {
				if
#ifdef MUTANT_PUBLISHES_BLINDLY
				:: s != 0 && stack == 0 ->
#else
				:: s != 0 && stack == 0 && vnet == s ->
#endif
					made++; owner[made] = s; stack = made
				:: else /* moved on; or attached by now */
				fi;
				taken_care()
			}
			s = 0
		fi;
		up = 1
	:: else
	fi;
	moved = 0;
	if
	:: to == first && second != first -> to = second; goto again
	:: else
	fi;
	moving--
}

init
{
	atomic {
		if
		:: run mover(1, 2); run mover(2, 0)
		:: run mover(1, 0); run mover(1, 2)
		:: run mover(2, 1); run mover(1, 2)
		fi
	}
	timeout ->
		assert(moving == 0 && owner[stack] == vnet);
		assert(open == 0 && queued == 0)
}

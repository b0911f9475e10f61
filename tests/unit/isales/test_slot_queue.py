"""The queue for slots as a state machine: callers come, seek, are refused, are handed slots and give up."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.isales.slot_queue import SlotQueue
from gateway.model import Priority

CAPACITY = 3


class QueueLaw(RuleBasedStateMachine):
    """Compares the queue with a plain list that is sorted by priority and arrival, while the driver's steps happen.

    As the driver does, each step that may let somebody seek ends with an election.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queue: SlotQueue[int] = SlotQueue(CAPACITY)
        self.over = 0
        self.places: dict[int, tuple[Priority, int]] = {}
        self.line: list[int] = []
        self.holding: set[int] = set()
        self.polling: int | None = None
        self.arrivals = 0
        self.fronts = 0

    def sort(self) -> None:
        """Bring the list into order."""
        self.line.sort(key=lambda number: self.places[number])

    def elect(self) -> None:
        """Have a poller where there may be one."""
        elected = self.queue.elect()
        if elected is not None:
            assert self.polling is None
            assert elected == self.line[0]
            self.polling = elected

    @rule(priority=st.sampled_from(Priority))
    def come(self, priority: Priority) -> None:
        """Let a caller come."""
        self.arrivals += 1
        ahead = len(self.holding) + sum(self.places[number][0] <= priority for number in self.line)
        assert self.queue.ahead(priority) == ahead
        self.places[self.arrivals] = (priority, self.arrivals)
        self.line.append(self.arrivals)
        self.sort()
        self.queue.join(self.arrivals, priority)
        self.elect()

    @precondition(lambda self: self.line)
    @rule(data=st.data(), priority=st.sampled_from(Priority))
    def move_up(self, data: st.DataObject, priority: Priority) -> None:
        """Let somebody matter more than before: behind all who matter as much, or not at all if it did already."""
        number = data.draw(st.sampled_from(self.line))
        rises = priority < self.places[number][0]
        assert self.queue.move_up(number, priority) == rises
        if rises:
            self.arrivals += 1
            self.places[number] = (priority, self.arrivals)
            self.sort()
        self.elect()

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def move_up_too_late(self, data: st.DataObject) -> None:
        """Let somebody matter more who waits no longer, which changes nothing."""
        number = data.draw(st.sampled_from(sorted(self.holding - set(self.line)) or [0]))
        assert not self.queue.move_up(number, Priority.INTERACTIVE)

    @precondition(lambda self: self.polling is not None)
    @rule()
    def find(self) -> None:
        """Let the poller come back with a slot; one that it was handed meanwhile goes on or is gone."""
        poller = self.polling
        assert poller is not None
        self.polling = None
        self.queue.found(poller)
        if poller in self.holding:
            self.hand_over()
        else:
            self.line.remove(poller)
            self.holding.add(poller)
        self.elect()

    @precondition(lambda self: self.polling is not None)
    @rule()
    def seek_in_vain(self) -> None:
        """Let the poller come back without one; the head is the next to seek, which may be the same."""
        self.polling = None
        self.queue.refused()
        self.elect()

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """Let a call end: its slot goes to the head, or is free."""
        number = data.draw(st.sampled_from(sorted(self.holding - {self.polling}) or [0]))
        if number == 0:
            return
        self.holding.remove(number)
        self.hand_over()
        self.elect()

    def hand_over(self) -> None:
        """Hand a slot to the head, unless there is none or too many are in use."""
        too_many = self.queue.in_use > self.queue.capacity
        heir = self.queue.hand_over()
        assert heir == (self.line.pop(0) if self.line and not too_many else None)
        if heir is None:
            self.queue.free()
        else:
            self.holding.add(heir)

    @rule(capacity=st.integers(1, CAPACITY))
    def adapt(self, capacity: int) -> None:
        """Have more slots, or fewer than are in use."""
        self.queue.capacity = capacity
        self.elect()
        self.over = max(0, self.queue.in_use + (self.polling is not None) - capacity)

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """Let another process have the slot of a caller that was handed it: it is the first of its priority again."""
        number = data.draw(st.sampled_from(sorted(self.holding - {self.polling}) or [0]))
        if number == 0:
            return
        priority = self.places[number][0]
        self.fronts -= 1
        self.places[number] = (priority, self.fronts)
        self.holding.remove(number)
        self.line.append(number)
        self.sort()
        self.queue.put_back(number, priority)
        self.elect()

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Let a waiter give up, the poller too."""
        number = data.draw(st.sampled_from(self.line))
        self.line.remove(number)
        if self.polling == number:
            self.polling = None
        self.queue.leave(number)
        self.elect()

    @invariant()
    def never_more_than_there_are(self) -> None:
        """Slots in use, which somebody holds, and the one that is sought are never more than there are.

        Where there were more before, they only get fewer until that is true again.
        """
        assert self.queue.in_use == len(self.holding)
        over = max(0, self.queue.in_use + (self.polling is not None) - self.queue.capacity)
        assert over <= self.over
        self.over = over

    @invariant()
    def the_order_is_kept(self) -> None:
        """Compare head and counts with the list."""
        assert self.queue.head == (self.line[0] if self.line else None)
        for priority in Priority:
            assert self.queue.waiting_at(priority) == sum(self.places[number][0] == priority for number in self.line)
        assert self.queue.waiting() == len(self.line)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """While somebody waits, either all slots are in use or somebody polls one."""
        assert self.queue.poller == self.polling
        assert not self.line or self.queue.in_use >= self.queue.capacity or self.polling is not None


TestQueueLaw = QueueLaw.TestCase

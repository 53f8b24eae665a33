"""What a driver may do to a connection that no transcript can: slow drivers, late timers, bounds."""

from ayl_server.broker import Broker
from ayl_server.connection import HEADERS_KEPT, INPUT_LIMIT, OUTPUT_LIMIT, Connection
from ayl_server.model import ProcessFacts


def broker() -> Broker:
    return Broker(facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"))


def drained(connection: Connection, now: float = 0.0) -> bytes:
    """All output, as a driver takes it that can send at once."""
    sent = b""
    while True:
        sent += connection.take_output()
        if not connection.held_back:
            return sent
        connection.resume(now)


def test_commands_run_in_their_order_however_late_the_driver_goes_on_with_a_woken_client() -> None:
    server = broker()
    waiting, other = Connection(server), Connection(server)
    waiting.receive(b"reserve\r\n", 0.0)
    waiting.receive(b"use a\r\n", 0.0)
    other.receive(b"put 0 0 10 1\r\nx\r\n", 0.0)
    waiting.receive(b"use b\r\n", 0.0)
    assert drained(waiting) == b"RESERVED 1 1\r\nx\r\nUSING a\r\nUSING b\r\n"


def test_a_client_that_waits_is_read_from_until_the_bound() -> None:
    connection = Connection(broker())
    connection.receive(b"reserve\r\n", 0.0)
    wanted = []
    for piece in (b"x" * (INPUT_LIMIT - 1), b"x"):
        connection.receive(piece, 0.0)
        wanted.append(connection.wants_input)
    assert wanted == [True, False]


def test_replies_that_are_not_taken_stop_the_commands_behind_them() -> None:
    server = broker()
    connection = Connection(server)
    connection.receive(b"put 0 0 10 60000\r\n%b\r\n" % (b"x" * 60000), 0.0)
    connection.receive(b"peek 1\r\n" * 1000, 0.0)
    assert sum(map(len, connection.session.out)) < OUTPUT_LIMIT + 61000
    goes_on = connection.held_back
    assert not goes_on
    replies = 0
    while output := connection.take_output():
        assert len(output) < OUTPUT_LIMIT + 61000
        replies += output.count(b"FOUND")
        if connection.held_back:
            connection.resume(0.0)
    assert replies == 1000


def test_what_is_due_happens_before_a_command_even_if_the_timer_is_late() -> None:
    server = broker()
    holder, other = Connection(server), Connection(server)
    holder.receive(b"put 0 0 1 1\r\nx\r\nreserve\r\n", 0.0)
    holder.take_output()
    other.receive(b"reserve-with-timeout 0\r\n", 1.5)
    assert drained(other) == b"RESERVED 1 1\r\nx\r\n"
    holder.receive(b"delete 1\r\n", 1.5)
    assert drained(holder) == b"NOT_FOUND\r\n"


def test_jobs_of_several_tubes_fall_due_in_the_order_of_their_times_on_a_late_tick() -> None:
    server = broker()
    first, second = Connection(server), Connection(server)
    first.receive(b"use a\r\nput 0 1 10 2\r\na1\r\nput 0 3 10 2\r\na3\r\n", 0.0)
    second.receive(b"use b\r\nput 0 2 10 2\r\nb2\r\n", 0.0)
    workers = [Connection(server) for _ in range(3)]
    for worker in workers:
        worker.receive(b"watch a\r\nwatch b\r\nreserve\r\n", 0.0)
        worker.take_output()
    server.tick(10.0)
    assert [drained(worker)[-4:-2] for worker in workers] == [b"a1", b"b2", b"a3"]


def test_an_upload_in_small_pieces_keeps_nothing_else() -> None:
    connection = Connection(broker())
    connection.receive(b"put 0 0 10 60000\r\n", 0.0)
    for _ in range(600):
        connection.receive(b"x" * 100, 0.0)
        assert connection.buffer == b""
    connection.receive(b"\r\nlist-tube-used\r\n", 0.0)
    assert drained(connection) == b"INSERTED 1\r\nUSING default\r\n"


def test_a_client_that_is_woken_over_and_over_keeps_no_more_than_the_bound() -> None:
    server = broker()
    greedy, producer = Connection(server), Connection(server)
    piece = b"reserve\r\n" * 5000
    greedy.receive(piece, 0.0)
    for _ in range(200):
        producer.receive(b"put 0 0 10 1\r\nx\r\n", 0.0)
        producer.take_output()
        drained(greedy)
        while greedy.wants_input:
            greedy.receive(piece, 0.0)
        assert len(greedy.buffer) - greedy.position + len(greedy.backlog) < INPUT_LIMIT + len(piece)


def test_a_client_whose_output_waits_keeps_no_more_input_than_the_bound() -> None:
    """Its driver has taken the replies and cannot send them: nothing is blocked, and nothing goes on."""
    connection = Connection(broker())
    piece = b"list-tube-used\r\n" * 4000
    connection.receive(piece, 0.0)
    connection.take_output()
    taken = 0
    while connection.wants_input:
        connection.receive(piece, 0.0)
        taken += 1
    assert taken <= 2


def test_a_read_full_of_commands_is_not_executed_in_one_go() -> None:
    """The others would have to wait for all of them."""
    connection = Connection(broker())
    connection.receive(b"peek 1\r\n" * 30_000, 0.0)
    assert connection.stalled
    assert 1000 < len(connection.session.out) < 3000
    assert drained(connection).count(b"NOT_FOUND") == 30_000


def test_put_lines_are_remembered_for_all_clients_together_and_not_too_many() -> None:
    server = broker()
    for number in range(3):
        connection = Connection(server)
        connection.receive(b"".join(b"put %d 0 1 0\r\n\r\n" % (number * 1000 + pri) for pri in range(1000)), 0.0)
        assert drained(connection).count(b"INSERTED") == 1000
    assert len(server.headers) <= HEADERS_KEPT

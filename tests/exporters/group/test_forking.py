"""An agent that forks: one page, one registration, true sums, and nothing inherited that harms."""

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Programs, page, tasks, wait_for_tasks
from tests.exporters.observing import total, wait_until

FORKS = """
agent = Agent("bot")
agent.start()
work(agent, 5)
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        work(agent, 10)
        say(child=os.getpid(), address=agent.metrics_address, instance=agent.instance)
        wait_for("end-children")
        work(agent, 100)
        sys.exit(0)
    children.append(child)
say(address=agent.metrics_address, instance=agent.instance)
wait_for("end-children")
for child in children:
    os.waitpid(child, 0)
say(ended=True)
wait_for("end")
"""


def test_one_page_has_the_sum_of_all_processes_those_that_ended_included(
    registry: FakeRegistry, programs: Programs
) -> None:
    program = programs.start(FORKS, PULSEGUARD_REGISTRY_URL=registry.url)
    told = [program.said() for _ in range(4)]
    addresses = {each["address"] for each in told}
    (address,) = addresses

    wait_for_tasks(address, 35)
    program.signal("end-children")
    while "ended" not in program.said():
        pass
    wait_for_tasks(address, 335)
    found = page(address)
    program.signal("end")

    assert program.end() == 0
    assert len({each["instance"] for each in told}) == 1
    assert total(found, "pulseguard_tokens_total") == 3350
    assert total(found, "gen_ai_client_operation_duration_seconds_count") == 335
    assert total(found, "pulseguard_tasks_in_progress") == 0
    assert len(registry.agents) == 1
    assert len(registry.goodbyes) == 1
    assert registry.contradictions == []
    assert registry.total("tasks_completed") == 335
    assert registry.total("tokens_processed") == 3350


def test_the_processes_of_the_group_are_added_up_and_the_ended_leave_the_sum(
    programs: Programs,
) -> None:
    program = programs.start(FORKS)
    address, *_ = [program.said()["address"] for _ in range(4)]
    wait_for_tasks(address, 35)

    together = total(page(address), "pulseguard_process_memory_rss_bytes")
    program.signal("end-children")
    while "ended" not in program.said():
        pass
    alone = total(page(address), "pulseguard_process_memory_rss_bytes")

    assert together > 2 * alone


def test_a_block_open_across_a_fork_is_its_parents(programs: Programs) -> None:
    program = programs.start("""
agent = Agent("bot", strict=True)
agent.start()
with agent.task(), agent.llm_call("openai", "m") as call:
    child = os.fork()
    call.usage(input_tokens=1)
    time.sleep(0.5)
if child == 0:
    with agent.task():
        say(child=True)
        wait_for("end")
    sys.exit(0)
say(address=agent.metrics_address)
wait_for("end")
os.waitpid(child, 0)
say(address=agent.metrics_address)
wait_for("really")
""")
    address = next(
        told["address"]
        for told in (program.said(), program.said())
        if len(told) and "address" in told
    )
    wait_for_tasks(address, 1)
    wait_until(lambda: total(page(address), "pulseguard_tasks_in_progress") == 1)
    busy = page(address)
    program.signal("end")
    program.said()
    wait_for_tasks(address, 2)
    idle = page(address)

    assert 'pulseguard_agent_state{state="working"} 1' in busy
    assert total(busy, "pulseguard_tokens_total") == 1
    assert total(busy, "pulseguard_calls_in_progress") == 0
    assert 'pulseguard_agent_state{state="idle"} 1' in idle
    assert total(idle, "pulseguard_tasks_in_progress") == 0
    assert total(idle, "pulseguard_tasks_started_total") == 2


def test_instruments_and_decorators_made_before_the_fork_count_in_the_child(
    programs: Programs,
) -> None:
    program = programs.start("""
agent = Agent("bot")
pages = agent.counter("pages_total", "Pages read.", labels=("kind",)).labels(kind="pdf")
level = agent.gauge("level", "Level.")
@agent.tool("search")
def search():
    pass
agent.start()
for _ in range(4):
    pages.inc(); search(); level.inc()
child = os.fork()
for _ in range(10):
    pages.inc(); search(); level.inc()
agent.evaluation("accuracy", 0.5 if child else 0.25)
later = agent.counter("later_total", "Defined after the fork.") if child == 0 else None
if later:
    later.inc(3)
say(address=agent.metrics_address)
wait_for("end")
""")
    address = program.said()["address"]

    def counted() -> list[float]:
        found = page(address)
        names = ("agent_pages_total", "gen_ai_execute_tool_duration_seconds_count", "agent_level")
        return [total(found, name) for name in (*names, "agent_later_total")]

    wait_until(lambda: counted() == [24, 24, 24, 3], 5)


def test_what_a_child_inherits_keeps_nobody_waiting(programs: Programs) -> None:
    """Locks held by other threads at the fork, the listening socket, a scrape half answered."""
    program = programs.start("""
agent = Agent("bot")
agent.start()
stop = threading.Event()

def record():
    while not stop.is_set():
        work(agent)

threads = [threading.Thread(target=record) for _ in range(3)]
for thread in threads:
    thread.start()
children = []
for _ in range(40):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        work(agent, 20)
        time.sleep(0.01)
        os._exit(0)
    children.append(child)
    time.sleep(0.01)
stop.set()
say(statuses=[os.waitpid(child, 0)[1] for child in children], address=agent.metrics_address)
agent.stop()
say(address=agent.metrics_address)
wait_for("end")
""")
    first = program.said()

    assert first["statuses"] == [0] * 40
    assert program.said()["address"] is None
    assert tasks(first["address"]) == -1


def test_a_child_that_becomes_another_program_leaves_no_trace(programs: Programs) -> None:
    program = programs.start("""
agent = Agent("bot")
agent.start()
child = os.fork()
if child == 0:
    os.execv("/bin/sleep", ["sleep", "30"])
say(address=agent.metrics_address, child=child)
wait_for("end")
agent.stop()
say(stopped=True)
wait_for("really")
""")
    told = program.said()
    work_done = tasks(told["address"])
    program.signal("end")

    assert work_done == 0
    assert program.said() == {"stopped": True}
    assert tasks(told["address"]) == -1


def test_a_solitary_agent_writes_nothing(programs: Programs) -> None:
    program = programs.start("""
agent = Agent("bot")
agent.start()
work(agent, 3)
say(address=agent.metrics_address, loaded=sorted(m for m in sys.modules if "pulseguard.group" in m))
wait_for("end")
""")
    told = program.said()

    assert tasks(told["address"]) == 3
    assert told["loaded"] == []
    assert [path.name for path in program.folder.iterdir() if "pulseguard" in path.name] == [
        "pulseguard-slots"
    ]


def test_what_the_child_tells_anew_is_the_latest_and_takes_no_room_twice(
    programs: Programs,
) -> None:
    program = programs.start(
        """
agent = Agent("bot")
agent.start()
def record(tokens):
    with agent.llm_call("openai", "m") as call:
        call.usage(input_tokens=tokens, output_tokens=3)
    for name in "abcdef":
        agent.evaluation(name, 0.5)
record(10)
if os.fork() == 0:
    record(777)
    wait_for("end")
    os._exit(0)
say(address=agent.metrics_address)
wait_for("end")
"""
    )
    address = program.said()["address"]

    wait_until(lambda: total(page(address), "pulseguard_context_tokens") == 777)
    found = page(address)
    program.signal("end")

    assert total(found, "pulseguard_exporter_dropped_label_sets_total") == 0
    name = "pulseguard_evaluation_last_score_ratio"
    assert total(found, name) == 3.0
    assert total(found, name, gen_ai_evaluation_name="_OTHER") == 0

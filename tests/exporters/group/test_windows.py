"""How full the context windows of models are, where an agent has several processes."""

from pulseguard.catalog import CONTEXT_WINDOW_USED
from tests.exporters.group.programs import Programs, page
from tests.exporters.observing import total, wait_until

COUNT = f"{CONTEXT_WINDOW_USED.name}_count"

FORKED = """
agent = Agent("bot")
agent.start()

def ask(model, times):
    for _ in range(times):
        with agent.llm_call("openai", model) as call:
            call.usage(input_tokens=1000, output_tokens=1)

ask("gpt-4o", 5)
child = os.fork()
if child == 0:
    ask("gpt-4o", 3)
    ask("gpt-4o-mini", 2)
    wait_for("end")
    sys.exit(0)
say(address=agent.metrics_address)
wait_for("end")
os.waitpid(child, 0)
"""


def test_each_process_of_an_agent_counts_its_own_calls_once(programs: Programs) -> None:
    program = programs.start(FORKED)
    address = str(program.said()["address"])

    def counts() -> tuple[float, float]:
        text = page(address)
        mini = total(text, COUNT, gen_ai_request_model="gpt-4o-mini")
        return total(text, COUNT, gen_ai_request_model="gpt-4o"), mini

    wait_until(lambda: counts() == (8, 2))
    program.signal("end")

    assert program.end() == 0

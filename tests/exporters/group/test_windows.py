"""How full the context windows of models are, where an agent has several processes."""

from pulseguard.catalog import CONTEXT_WINDOW_LIMIT, CONTEXT_WINDOW_USED
from tests.exporters.group.programs import Programs, page
from tests.exporters.observing import total, wait_until

USED = CONTEXT_WINDOW_USED.name

FORKED = """
agent = Agent("bot")
agent.start()

def ask(model, times, window=None):
    for _ in range(times):
        with agent.llm_call("openai", model) as call:
            call.usage(input_tokens=1000, output_tokens=1)
            call.context(window=window)

ask("gpt-4o", 5)
children = []
for number in range(3):
    children.append(os.fork())
    if children[-1] == 0:
        ask("gpt-4o", 3)
        ask("gpt-4o-mini", 2)
        ask("mine", 1, window=2000)
        os._exit(0) if number == 0 else sys.exit(0)
for child in children:
    os.waitpid(child, 0)
say(address=agent.metrics_address)
wait_for("end")
assert "genai_prices" in sys.modules
"""


def test_processes_that_have_ended_at_once_are_counted_as_well(programs: Programs) -> None:
    program = programs.start(FORKED)
    address = str(program.said()["address"])

    def of(model: str) -> tuple[float, float, float]:
        text = page(address)
        names = (f"{USED}_count", f"{USED}_sum", CONTEXT_WINDOW_LIMIT.name)
        count, shares, size = (total(text, name, gen_ai_request_model=model) for name in names)
        return count, round(shares, 6), size

    # One of the three children has ended without telling anybody anything.
    wait_until(lambda: of("gpt-4o") == (11, 0.085938, 128_000))
    assert of("gpt-4o-mini") == (4, 0.03125, 128_000)
    assert of("mine") == (2, 1, 2000)
    program.signal("end")

    assert program.end() == 0

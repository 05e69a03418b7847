"""Who is drawn first, loops, several sounds at one moment: without a server."""

import pytest

from support.canvas import ADD_PLAYER, NEXT_FRAMES, asked, at, curves, drag, one_row

pytestmark = pytest.mark.browser

# Puts each place into a lesson of its own, the second one far below the first.
IN_LESSONS = """() => document.body.classList.add("lessons") || places.forEach((_, i) => {
  const lesson = document.createElement("div");
  Object.assign(lesson, { className: "lesson", id: `lesson-${"abc"[i]}` });
  lesson.style.marginTop = i ? "4000px" : "0";
  const place = document.getElementById(`place${i}`);
  place.before(lesson);
  lesson.append(place);
})"""
# A lesson with two players of the same silence.
SWITCH = """() => {
  const lesson = document.createElement("div");
  lesson.className = "lesson";
  lesson.innerHTML = `<div id="switch"></div><div class="heard">
    <div class="sound"><label>Before</label><audio></audio></div>
    <div class="sound"><label>After</label><audio></audio></div></div>`;
  document.body.prepend(lesson);
  window.sounds = [...lesson.querySelectorAll("audio")];
  for (const sound of sounds) sound.src = wav;
  Genrescope.mountSwitch(document.getElementById("switch"), { value: null }, () => {});
}"""
# Notes in which place something is drawn.
COUNT_DRAWN = """() => {
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  window.drawn = [];
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    window.drawn.push(this.canvas.closest("[id^=place]")?.id);
    return clear.apply(this, box);
  };
}"""
COMES_BACK = """() => {
  const { at_s } = Genrescope.sound.state;
  window.isBack ||= at_s < window.last_s;
  window.last_s = at_s;
  return window.isBack;
}"""


def test_lesson_in_view_is_asked_for_and_the_other_once_it_is_near(show):
    page = show(one_row(), one_row())
    page.evaluate(IN_LESSONS)
    page.evaluate("Genrescope.renew(['a', 'b'])")
    assert asked(page, "near") == [{}]
    assert page.locator("#place1 .stale").count() == 1
    page.evaluate("sheet => places[0].show(sheet)", one_row(3000.0).as_json())
    page.locator("#place0 .stale").wait_for(state="detached")
    page.evaluate("document.getElementById('lesson-b').scrollIntoView()")
    page.wait_for_function("asked.filter(([name]) => name === 'near').length === 2")


def test_picture_that_comes_with_its_sound_is_not_asked_for(show):
    page = show(one_row(), one_row())
    page.evaluate(IN_LESSONS)
    assert page.evaluate("Genrescope.inView()") == "a"  # b is far below
    sheet = one_row(3000.0).as_json()
    page.evaluate("sheet => Genrescope.renewed('a', sheet)", sheet)
    assert page.evaluate("places[0].props.value") != sheet  # the same again is another
    assert asked(page, "near") == []
    assert page.locator("#place0 .stale").count() == 0
    assert page.locator("#place1 .stale").count() == 1


def test_all_pictures_that_come_with_their_sound_are_drawn_and_then_their_sounds(show):
    page = show(one_row(), one_row())
    page.evaluate(IN_LESSONS)
    sheet = one_row(3000.0).as_json()
    at_once = page.evaluate(
        """async (sheet) => {
          await Genrescope.renewed("a", sheet, "b", sheet);
          return asked.filter(([name]) => name === "turned").length;
        }""",
        sheet,
    )
    assert at_once == 0  # a position may be on its way into its knob
    page.wait_for_function("asked.filter(([name]) => name === 'turned').length === 2")
    assert asked(page, "near") == []
    assert page.locator(".stale").count() == 0


def test_lesson_that_is_far_is_drawn_once_it_is_near(show):
    page = show(one_row(), one_row())
    page.evaluate(IN_LESSONS)
    page.evaluate(COUNT_DRAWN)
    page.evaluate("document.getElementById('lesson-b').classList.add('far')")
    page.evaluate("Genrescope.sound.change({ at_s: 0.5 })")
    page.evaluate(NEXT_FRAMES)
    drawn = page.evaluate("drawn")
    assert "place0" in drawn and "place1" not in drawn
    page.evaluate("document.getElementById('lesson-b').classList.remove('far')")
    page.evaluate("Genrescope.shown(document.getElementById('lesson-b'))")
    page.wait_for_function("drawn.includes('place1')")


def test_picture_that_came_along_takes_the_place_of_one_that_is_waited_for(show):
    page = show(one_row(), one_row())
    page.evaluate(IN_LESSONS)
    page.evaluate("Genrescope.renewed('', undefined)")  # it came alone
    assert asked(page, "near") == [{}]
    assert not page.evaluate("Genrescope.isDrawn()")
    page.evaluate("sheet => Genrescope.renewed('a', sheet)", one_row(3000.0).as_json())
    page.wait_for_function("Genrescope.isDrawn()")


def test_class_of_the_page_draws_a_picture_anew_only_where_it_turns_dark(show):
    page = show(one_row())
    page.evaluate(
        """() => {
          const clear = CanvasRenderingContext2D.prototype.clearRect;
          window.n_drawn = 0;
          CanvasRenderingContext2D.prototype.clearRect = function (...box) {
            window.n_drawn++;
            return clear.apply(this, box);
          };
          document.documentElement.classList.add("sound-arrives");
        }"""
    )
    page.evaluate(
        "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    assert page.evaluate("n_drawn") == 0
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function("n_drawn > 0")


def test_sheet_that_is_the_same_again_counts_as_new(show):
    page = show(one_row())
    page.evaluate(IN_LESSONS)
    page.evaluate("Genrescope.renew(['a'])")
    assert page.evaluate("places[0].props.value") != one_row().as_json()


def test_picture_that_is_out_of_date_is_asked_for_without_its_sounds(show):
    page = show(one_row())
    page.evaluate(IN_LESSONS)
    page.evaluate("Genrescope.again(['a'])")
    assert asked(page, "again") == [{}]
    assert asked(page, "near") == []


def test_loop_begins_again_at_the_selection_s_end_until_it_is_left(show):
    page = show(one_row())
    page.evaluate(ADD_PLAYER, 1)
    page.evaluate("Genrescope.sound.loop(true); Genrescope.play(wav, 0.5);")
    page.wait_for_function(COMES_BACK)
    assert page.evaluate("Genrescope.sound.state.at_s") >= 0.5
    page.evaluate("Genrescope.sound.loop(false)")
    page.wait_for_function("!Genrescope.sound.state.isPlaying")


def test_l_loops_a_selection_and_its_button_tells(show):
    page = show(one_row())
    drag(page, at(page, 0.25), at(page, 0.75))
    page.locator("canvas[role=img]").focus()
    page.keyboard.press("l")
    (part,) = asked(page, "hear")
    assert part["start_s"] == pytest.approx(0.5, abs=0.01)
    page.locator(".sheet-loop[aria-pressed=true]").wait_for()
    page.keyboard.press("L")
    page.locator(".sheet-loop[aria-pressed=false]").wait_for()
    assert len(asked(page, "hear")) == 1


def test_switch_goes_on_at_the_same_moment_of_the_other_sound(show):
    page = show(one_row())
    page.evaluate(ADD_PLAYER, 5)
    page.evaluate(SWITCH)
    page.locator(".sound-switch .sheet-hear").click()
    page.wait_for_function("sounds[0].currentTime > 0.3")
    page.keyboard.press("b")
    page.wait_for_function("!sounds[1].paused")
    assert page.evaluate("[sounds[0].paused, sounds[1].currentTime >= 0.3]") == [
        True,
        True,
    ]
    page.locator(".sound-switch button", has_text="Before").click()
    page.wait_for_function("!sounds[0].paused && sounds[1].paused")
    assert page.evaluate("sounds[0].currentTime >= 0.3")


def test_hint_stands_where_the_cursor_reads_until_somebody_drags(show):
    page = show(one_row(), curves())
    first, second = page.locator(".sheet-hint").all()
    assert first.inner_text() == (
        "Hover to read · drag to hear or zoom · Space plays · ? lists the keys"
    )
    assert second.inner_text() == "Hover to read"
    page.mouse.move(*at(page, 0.5))
    first.wait_for(state="hidden")
    drag(page, at(page, 0.25), at(page, 0.75))
    second.wait_for(state="hidden")
    page.mouse.move(0, 0)
    page.locator(".sheet-clear").first.click()
    assert first.is_hidden()

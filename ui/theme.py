"""How the page looks: one set of tokens, the visitor's own fonts, space, not boxes."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parent.parent / "assets"
STYLE = ASSETS / "style.css"
TABLES = ASSETS / "tables.css"
TOKENS = ASSETS / "tokens.css"  # before all other style sheets
ICON = ASSETS / "favicon.svg"

# How wide the page is, before any style sheet of Gradio's or ours has come: what is there
# by then keeps its place.
FIRST_STYLE = """.gradio-container > .main {
  max-width: clamp(1280px, 84vw, 1600px) !important; padding: 16px clamp(16px, 4vw, 32px) !important;
}"""

# What the visitor's system has, Chinese included: nothing is downloaded. Latin first,
# so that digits and Latin words keep one face; each system then finds its own Chinese.
FONT = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Noto Sans",
    "PingFang TC",
    "PingFang SC",
    "Microsoft JhengHei",
    "Microsoft YaHei",
    "Noto Sans CJK TC",
    "Noto Sans CJK SC",
    "sans-serif",
)
FONT_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

# A scale around the accent, for what Gradio takes from no variable of its own; 600 is
# ``--accent``, and carries white text at 6.8:1.
ACCENT = gr.themes.Color(
    name="accent",
    c50="#fbeef4",
    c100="#f6d9e7",
    c200="#edb7d1",
    c300="#f08cbc",
    c400="#e0659f",
    c500="#c2458a",
    c600="#a62d6d",
    c700="#86225a",
    c800="#681b47",
    c900="#4b1535",
    c950="#2c0d20",
)
GREY = gr.themes.colors.gray

# Gradio's theme variables, by name, as tokens: light and dark differ in those alone.
VARIABLES = {
    "body_background_fill": "paper",
    "body_text_color": "ink",
    "body_text_color_subdued": "ink-soft",
    "background_fill_primary": "paper",
    "background_fill_secondary": "well",
    "block_title_text_color": "ink",
    "block_info_text_color": "ink-soft",
    "block_label_text_color": "ink-soft",
    "border_color_primary": "hairline",
    "border_color_accent": "accent",
    "input_background_fill": "card",
    "input_border_color": "edge",
    "input_border_color_focus": "accent",
    "input_placeholder_color": "ink-soft",
    "checkbox_background_color": "card",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "edge",
    "checkbox_border_color_hover": "accent",
    "checkbox_border_color_focus": "accent",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_background_fill": "card",
    "checkbox_label_background_fill_hover": "well",
    "checkbox_label_border_color": "hairline",
    "color_accent_soft": "accent-soft",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent-more",
    "button_primary_text_color": "on-accent",
    "button_primary_border_color": "accent",
    "button_secondary_background_fill": "well",
    "button_secondary_background_fill_hover": "well-more",
    "button_secondary_text_color": "ink",
    "button_secondary_border_color": "hairline",
    "slider_color": "accent",
    "link_text_color": "link",
    "link_text_color_hover": "link",
    "link_text_color_visited": "link",
    "link_text_color_active": "link",
    "table_border_color": "hairline",
    "table_even_background_fill": "card",
    "table_odd_background_fill": "card",
    "code_background_fill": "well",
}
PLAIN = {  # no boxes; the same in light and dark
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_label_background_fill": "transparent",
    "block_label_border_width": "0px",
    "panel_background_fill": "transparent",
}
SIZES = {
    "block_padding": "0px",
    "block_title_text_weight": "500",
    "layout_gap": "20px",
    "form_gap_width": "20px",
    "input_border_width": "1px",
    "color_accent": "var(--accent)",
}


def theme() -> gr.themes.Base:
    """Return the page's theme; its colours are those of ``assets/tokens.css``."""
    both = {name: f"var(--{token})" for name, token in VARIABLES.items()} | PLAIN
    dark = {f"{name}_dark": value for name, value in both.items()}
    return gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=GREY,
        neutral_hue=GREY,
        radius_size=gr.themes.sizes.radius_md,
        font=FONT,
        font_mono=FONT_MONO,
    ).set(**both, **dark, **SIZES)

"""How the page looks: one accent, the visitor's own fonts, space instead of boxes."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parent.parent / "assets"
STYLE = ASSETS / "style.css"
ICON = ASSETS / "favicon.svg"

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

# Around the pictures' accent, viz.palette.ACCENT; 600 carries white text at 5.9:1.
ACCENT = gr.themes.Color(
    name="accent",
    c50="#eef6fc",
    c100="#d9eaf7",
    c200="#b4d5ef",
    c300="#85bae3",
    c400="#529bd3",
    c500="#2b7bba",
    c600="#23689f",
    c700="#1d5785",
    c800="#18466b",
    c900="#133752",
    c950="#0c2436",
)
GREY = gr.themes.colors.gray


# Gradio's theme variables, by name; those that end in _dark are the dark page's.
VARIABLES = {
    "body_background_fill": "white",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "*neutral_800",
    "body_text_color_dark": "*neutral_200",
    # Grey text that still has 4.5:1 on the background.
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary_dark": "*neutral_950",
    "block_background_fill": "transparent",
    "block_background_fill_dark": "transparent",
    "block_border_width": "0px",
    "block_border_width_dark": "0px",
    "block_shadow": "none",
    "block_shadow_dark": "none",
    "block_padding": "0px",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_label_border_width_dark": "0px",
    "block_title_text_weight": "500",
    "block_title_text_color": "*body_text_color",
    "block_title_text_color_dark": "*body_text_color",
    "block_info_text_color": "*body_text_color_subdued",
    "block_info_text_color_dark": "*body_text_color_subdued",
    "layout_gap": "20px",
    "form_gap_width": "20px",
    "panel_background_fill": "transparent",
    "panel_background_fill_dark": "transparent",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "*neutral_800",
    "input_background_fill": "*neutral_50",
    "input_background_fill_dark": "*neutral_900",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "*neutral_700",
    "input_border_color_focus": "*primary_500",
    "input_border_color_focus_dark": "*primary_400",
    "checkbox_border_color_hover": "*primary_500",
    "checkbox_border_color_hover_dark": "*primary_400",
    "color_accent": "*primary_600",
    "color_accent_soft": "*primary_50",
    "color_accent_soft_dark": "*neutral_900",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_600",
    "button_primary_background_fill_hover_dark": "*primary_500",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "white",
    "button_primary_border_color": "*primary_600",
    "button_primary_border_color_dark": "*primary_600",
    "button_secondary_background_fill": "*neutral_100",
    "button_secondary_background_fill_hover": "*neutral_200",
    "button_secondary_background_fill_dark": "*neutral_900",
    "button_secondary_background_fill_hover_dark": "*neutral_800",
    "button_secondary_border_color": "*neutral_200",
    "button_secondary_border_color_dark": "*neutral_800",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_500",
    "link_text_color": "*primary_600",
    "link_text_color_dark": "*primary_400",
    "link_text_color_hover": "*primary_700",
    "link_text_color_hover_dark": "*primary_300",
    "link_text_color_visited": "*primary_600",
    "link_text_color_visited_dark": "*primary_400",
}


def theme() -> gr.themes.Base:
    """Return the page's theme; light and dark differ in variables only."""
    return gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=GREY,
        neutral_hue=GREY,
        radius_size=gr.themes.sizes.radius_md,
        font=FONT,
        font_mono=FONT_MONO,
    ).set(**VARIABLES)

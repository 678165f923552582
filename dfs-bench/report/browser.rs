//! The pages in a real browser: nothing on the console, nothing fetched, no empty picture, nothing cut off, at the widths
//! of a phone, a laptop and a wall. Skipped, saying so, where no Chromium is installed.

use super::compare::analyse;
use super::compare::render;
use super::{html, load, testing};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WIDTHS: [u32; 3] = [360, 1280, 1920];

/// What the browser says about a page at one width.
#[derive(Debug, Deserialize)]
struct Seen {
    width: u32,
    scroll_width: u32,
    /// Paper and ink.
    colours: (String, String),
    /// Lowest contrast of text to its paper.
    contrast: f64,
    charts: Vec<Chart>,
    /// Text of tables and paragraphs that reaches out of the page and cannot be scrolled to.
    cut: Vec<String>,
    tables: usize,
}

#[derive(Debug, Deserialize)]
struct Chart {
    label: String,
    width: f64,
    height: f64,
    /// Shapes that carry data and have a size.
    shapes: usize,
    /// Labels that reach out of the picture.
    outside: Vec<String>,
    /// The smallest letters, in pixels of the screen.
    letters: f64,
}

const SCRIPT: &str = r#"
function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function look(frame) {
  const page = frame.contentDocument, view = frame.contentWindow;
  const style = element => view.getComputedStyle(element);
  const paper = style(page.body).backgroundColor, ink = style(page.body).color;
  const contrast = Math.min(...[...page.querySelectorAll("p,a,li,caption,th,td,dt,dd,summary,figcaption,strong")].map(e => {
    const [x, y] = [luminance(style(e).color), luminance(paper)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  }));
  const charts = [...page.querySelectorAll("svg")].map(svg => {
    const box = svg.getBoundingClientRect();
    const shapes = [...svg.querySelectorAll("path,rect,circle")]
      .filter(s => !s.matches(".grid,.axis,.mark,.band"))
      .filter(s => { const b = s.getBBox(); return b.width > 0 || b.height > 0; });
    const outside = [...svg.querySelectorAll("text")].filter(t => {
      const b = t.getBoundingClientRect();
      return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1;
    }).map(t => t.textContent);
    const letters = Math.min(...[...svg.querySelectorAll("text")].map(t => parseFloat(style(t).fontSize) * t.getScreenCTM().a));
    return { label: svg.getAttribute("aria-label") || "", width: box.width, height: box.height, shapes: shapes.length, outside, letters };
  });
  const cut = [...page.querySelectorAll("p,li,h1,h2,h3,dt,dd,td,th,figcaption,summary")]
    .filter(e => e.offsetParent && !e.closest(".scroll") && !e.closest(".skip"))
    .filter(e => e.getBoundingClientRect().right > view.innerWidth + 1)
    .map(e => e.textContent.slice(0, 60));
  return { width: view.innerWidth, scroll_width: page.documentElement.scrollWidth, colours: [paper, ink], contrast, charts, cut,
    tables: [...page.querySelectorAll("table")].filter(t => t.querySelector("caption") && t.querySelector("th[scope]")).length };
}
onload = () => {
  document.getElementById("seen").textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(look));
};
"#;

/// The browser, where there is one.
pub fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"];
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .flat_map(|directory| names.map(|name| directory.join(name)))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        eprintln!("skipped: no Chromium is installed, the page was not looked at");
    }
    found
}

/// Opens the page at all widths; what it says on the console, and what is seen.
fn look(browser: &Path, page: &str, dark: bool) -> (Vec<String>, Vec<Seen>) {
    let directory = tempfile::tempdir().unwrap();
    let source = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame =
        |width: u32| format!("<iframe width={width} height=900 style=\"border:0\" srcdoc=\"{source}\"></iframe>");
    let frames: String = WIDTHS.map(frame).concat();
    let wrapper = directory.path().join("wrapper.html");
    let text = format!("<!doctype html><meta charset=utf-8><pre id=seen></pre>{frames}<script>{SCRIPT}</script>");
    std::fs::write(&wrapper, text).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }))
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .arg(format!("file://{}", wrapper.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    let dom = String::from_utf8_lossy(&output.stdout);
    let start = dom.find("<pre id=\"seen\">").unwrap_or_else(|| panic!("the page did not load: {log}")) + 15;
    let seen =
        dom[start..].split("</pre>").next().unwrap().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let seen = serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"));
    (console, seen)
}

/// Everything a page must fulfil.
pub fn check(browser: &Path, page: &str, charts: usize, tables: usize) {
    // the policy in the page makes the browser refuse and report every fetch, so that an empty console means none was tried
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("<script"));
    let (console, light) = look(browser, page, false);
    assert_eq!(console, Vec::<String>::new());
    let (_, dark) = look(browser, page, true);
    assert_ne!(light[0].colours, dark[0].colours, "there is no dark page");
    for (seen, width) in light.iter().chain(&dark).zip(WIDTHS.into_iter().cycle()) {
        assert_eq!(seen.width, width);
        assert!(seen.scroll_width <= width, "at {width} the page is {} wide", seen.scroll_width);
        assert_eq!(seen.cut, Vec::<String>::new(), "at {width}");
        assert!(seen.contrast >= 4.5, "at {width}: contrast {}", seen.contrast);
        assert_eq!(seen.charts.len(), charts, "at {width}");
        assert_eq!(seen.tables, tables, "at {width}");
        for chart in &seen.charts {
            assert!(chart.width >= 300.0 && chart.height >= 60.0, "at {width}: {chart:?}");
            assert!(chart.shapes > 0 && !chart.label.is_empty(), "at {width}: {chart:?}");
            assert!(chart.outside.is_empty(), "at {width}: {chart:?}");
            assert!(chart.letters >= 9.0, "at {width}: {chart:?}");
        }
    }
}

#[test]
fn the_report_shows_whole_at_every_width() {
    let Some(browser) = chromium() else { return };
    let run = testing::run("night");
    // two of rates, the timeline, 12 of ranks, 13 of latency, 26 over time, the node
    check(&browser, &html::render(&[&run]).unwrap(), 55, 14);
}

#[test]
fn a_published_run_shows_whole_at_every_width() {
    let Some(browser) = chromium() else { return };
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/full-runs");
    if !runs.is_dir() {
        assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", runs.display());
        return eprintln!("skipped: {} is not there", runs.display());
    }
    let groups = load::groups(&[runs.join("daos-hpe-dl320-1280-ranks")]).unwrap();
    let page = html::render(&[&groups[0].runs[0]]).unwrap();
    // two of rates, the timeline, and ranks in every phase whose ranks do not wait for each other before the clock is read
    check(&browser, &page, 13, 10);
}

#[test]
fn the_comparison_shows_whole_at_every_width() {
    let Some(browser) = chromium() else { return };
    let group = |label: &str, factor: f64| {
        let mut runs: Vec<_> = (0..3).map(|index| testing::run(&format!("{label}-{index}"))).collect();
        for (index, run) in runs.iter_mut().enumerate() {
            run.path.push(label);
            run.phases.iter_mut().for_each(|phase| phase.rate *= factor * (1.0 + index as f64 / 50.0));
        }
        load::RunGroup { label: label.to_owned(), path: label.into(), runs }
    };
    let mut other = group("a-candidate-with-a-rather-long-name-as-directories-have-them", 1.4);
    other.runs[0].phases[0].storage.push(super::model::Fact::new("chunk size", "4MiB"));
    let found = analyse::compare(&[group("before", 1.0), other]);
    check(&browser, &render::to_html(&found, None).unwrap(), 1, 2);
}

/// The check itself: a page that fetches is caught.
#[test]
fn a_page_that_fetches_is_caught() {
    let Some(browser) = chromium() else { return };
    let page = html::render(&[&testing::run("night")]).unwrap();
    let page = page.replace("</main>", "<img src=\"http://localhost:9/x.png\" alt=\"\"></main>");
    let (console, _) = look(&browser, &page, false);
    assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{console:?}");
}

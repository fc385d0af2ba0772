// Runs inside of the page: what the tests ask it. Plain JavaScript, as Chromium gets it.
(() => {
  const parse = (text) => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const over = (top, alpha, bottom) => [0, 1, 2].map((i) => alpha * top[i] + (1 - alpha) * bottom[i]);
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (one, other) => {
    const [a, b] = [luminance(one), luminance(other)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };

  globalThis.probe = {
    /** Opens every folded part. */
    unfold() {
      for (const details of document.querySelectorAll('details')) details.open = true;
    },

    /**
     * WCAG contrast of every visible text, those of pictures included: its colour against the opaque background of the nearest element,
     * overlaid with the shapes of a picture under the text's middle. The window must be as high as the page.
     */
    contrasts() {
      const found = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.textContent.trim();
        const element = node.parentElement;
        if (!text || !element.checkVisibility()) continue;
        const style = getComputedStyle(element);
        const inPicture = element instanceof SVGElement;
        let background = backgroundOf(element);
        if (inPicture) {
          const box = element.getBoundingClientRect();
          for (const shape of document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2).reverse()) {
            if (!(shape instanceof SVGGeometryElement)) continue;
            const { fill, fillOpacity } = getComputedStyle(shape);
            if (fill !== 'none') background = over(parse(fill), Number(fillOpacity) * parse(fill)[3], background);
          }
        }
        found.push({ text, ratio: ratio(parse(inPicture ? style.fill : style.color), background) });
      }
      return found;
    },

    /** Contrast of the lines of pictures with their background, by colour. */
    strokeContrasts() {
      const found = {};
      for (const picture of document.querySelectorAll('svg[role=img]')) {
        for (const path of picture.querySelectorAll('path[stroke]')) {
          const name = path.getAttribute('stroke');
          found[name] = ratio(parse(getComputedStyle(path).stroke), backgroundOf(picture));
        }
      }
      return found;
    },

    /** Texts of pictures that stick out of them, or run into the next one of the same line. */
    badTexts() {
      const found = [];
      for (const picture of document.querySelectorAll('svg[role=img]')) {
        const frame = picture.getBoundingClientRect();
        const boxes = [...picture.querySelectorAll('text')].map((text) => [
          text.textContent,
          text.getBoundingClientRect(),
        ]);
        for (const [i, [text, box]] of boxes.entries()) {
          const outside =
            box.left < frame.left - 1 ||
            box.right > frame.right + 1 ||
            box.top < frame.top - 1 ||
            box.bottom > frame.bottom + 1;
          const hit = boxes.find(
            ([, other], j) =>
              j > i &&
              box.left < other.right - 1 &&
              other.left < box.right - 1 &&
              box.top < other.bottom - 1 &&
              other.top < box.bottom - 1,
          );
          if (outside) found.push(`outside: ${text}`);
          if (hit) found.push(`on each other: ${text}, ${hit[0]}`);
        }
      }
      return found;
    },

    /** How much wider than the window the page is, and what sticks out of it, contents of boxes that scroll aside. */
    overflow() {
      const edge = document.documentElement.clientWidth;
      const boxes = [
        ...document.querySelectorAll('section, figure, p, h1, h2, h3, li, dd, figcaption, summary, .scroll'),
      ];
      const outside = boxes.filter(
        (box) => !box.parentElement.closest('.scroll') && box.getBoundingClientRect().right > edge + 0.5,
      );
      return {
        excess: document.documentElement.scrollWidth - edge,
        outside: outside.map((box) => box.outerHTML.slice(0, 80)),
      };
    },

    /** Tables without what makes them readable by ear. */
    tableFaults() {
      const tables = [...document.querySelectorAll('table')];
      const width = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
      return {
        count: tables.length,
        nameless: tables.filter((table) => !table.caption?.textContent.trim()).length,
        headless: tables.filter((table) => !table.tHead?.rows.length).length,
        scopeless: document.querySelectorAll('th:not([scope])').length,
        ragged: tables.filter((table) => new Set([...table.rows].map(width)).size > 1).length,
      };
    },

    /** The element that has the keyboard. */
    focused() {
      const at = document.activeElement;
      return {
        tag: at.tagName,
        number: [...document.querySelectorAll('*')].indexOf(at),
        label: at.getAttribute('aria-label') ?? '',
        outline: getComputedStyle(at).outlineStyle,
        scrolls: at.classList.contains('scroll'),
      };
    },
  };
})();

// Filter cases by counter, CPU target and text; the state is in the URL hash. The page is whole without it.
(function () {
  'use strict';
  var form = document.getElementById('filter');
  var target = document.getElementById('target');
  var text = document.getElementById('text');
  var shown = document.getElementById('shown');
  var clear = document.getElementById('clear');
  var cases = Array.prototype.slice.call(document.querySelectorAll('.case'));
  var excuses = Array.prototype.slice.call(document.querySelectorAll('.excuse'));
  var lines = Array.prototype.slice.call(document.querySelectorAll('.matrix tbody tr'));
  var heads = Array.prototype.slice.call(document.querySelectorAll('.matrix [data-t]'));
  var counters = Array.prototype.slice.call(document.querySelectorAll('[data-show]'));
  var folded = document.querySelector('details.quiet');
  var show = 'all';

  function wordsOf(element) {
    if (element.words === undefined) { element.words = element.textContent.toLowerCase(); }
    return element.words;
  }

  function has(element, name) {
    return name === 'all' || (' ' + (element.dataset.s || '') + ' ').indexOf(' ' + name + ' ') >= 0;
  }

  function apply() {
    var wanted = text.value.trim().toLowerCase();
    var on = target.value;
    var count = 0;
    cases.forEach(function (item) {
      var keep = has(item, show) && (!on || item.dataset.t === on) &&
        (!wanted || wordsOf(item).indexOf(wanted) >= 0);
      item.hidden = !keep;
      if (keep) { count += 1; }
    });
    excuses.forEach(function (item) {
      item.hidden = Boolean((on && item.dataset.t && item.dataset.t !== on) ||
        (wanted && wordsOf(item).indexOf(wanted) < 0));
    });
    lines.forEach(function (line) {
      var cells = Array.prototype.slice.call(line.querySelectorAll('td'));
      line.hidden = !cells.some(function (cell) {
        return has(cell, show) && (!on || cell.dataset.t === on);
      }) || Boolean(wanted && wordsOf(line).indexOf(wanted) < 0);
    });
    heads.forEach(function (cell) { cell.hidden = Boolean(on && cell.dataset.t !== on); });
    counters.forEach(function (counter) {
      if (counter.dataset.show === show) { counter.setAttribute('aria-current', 'true'); }
      else { counter.removeAttribute('aria-current'); }
    });
    var all = show === 'all' && !on && !wanted;
    shown.textContent = all ? cases.length + ' cases' : count + ' of ' + cases.length + ' cases';
    clear.hidden = all;
    if (folded && !all) { folded.open = true; }
    return all;
  }

  function remember() {
    var parts = new URLSearchParams();
    if (show !== 'all') { parts.set('show', show); }
    if (target.value) { parts.set('target', target.value); }
    if (text.value) { parts.set('text', text.value); }
    history.replaceState(null, '', parts.toString() ? '#' + parts : location.pathname + location.search);
  }

  function change() { apply(); remember(); }

  function reset() { show = 'all'; target.value = ''; text.value = ''; }

  function restore() {
    var place = document.getElementById(location.hash.slice(1));
    if (place) {
      if (place.hidden) { reset(); apply(); }
      place.scrollIntoView();
      return;
    }
    var parts = new URLSearchParams(location.hash.slice(1));
    reset();
    var wanted = parts.get('show');
    if (counters.some(function (counter) { return counter.dataset.show === wanted; })) { show = wanted; }
    target.value = parts.get('target') || '';
    if (target.selectedIndex < 0) { target.value = ''; }
    text.value = parts.get('text') || '';
    apply();
  }

  counters.forEach(function (counter) {
    counter.addEventListener('click', function (event) {
      event.preventDefault();
      show = show === counter.dataset.show ? 'all' : counter.dataset.show;
      change();
    });
  });
  form.addEventListener('submit', function (event) { event.preventDefault(); });
  target.addEventListener('change', change);
  text.addEventListener('input', change);
  clear.addEventListener('click', function () { reset(); change(); });
  window.addEventListener('hashchange', restore);
  form.hidden = false;
  apply();
  restore();
}());

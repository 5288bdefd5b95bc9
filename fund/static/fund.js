/* Small improvements to pages that are complete without them: the error summary takes the focus, long answers count their
   characters as the server does, and drafts save themselves. Nothing here is needed for anything. */
"use strict";

const WAIT_MS = 800;
const RETRY_MS = 10000;

function focusErrors() {
  const errors = document.querySelector("[data-focus]");
  if (errors) errors.focus();
}

/* --- counters: characters after cleaning, as fund.kernel.forms.clean leaves them */

function cleaned(text) {
  return text
    .replace(/\r\n?/g, "\n")
    .normalize("NFC")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
    .trim();
}

function addCounter(field) {
  const most = Number(field.dataset.count);
  const note = document.createElement("p");
  note.className = "count";
  field.insertAdjacentElement("afterend", note);
  const show = () => {
    const left = most - Array.from(cleaned(field.value)).length;
    const words = (n) => `${n.toLocaleString("en-GB")} character${n === 1 ? "" : "s"}`;
    note.textContent = left < 0 ? `${words(-left)} too many` : `${words(left)} left`;
    note.classList.toggle("over", left < 0);
  };
  field.addEventListener("input", show);
  show();
}

/* --- autosave: one answer at a time, in order, each with the revision that this page last saw */

class Autosave {
  constructor(form) {
    this.form = form;
    this.dirty = new Map(); // question → its box on the page
    this.timer = null;
    this.running = null;
    form.addEventListener("input", (event) => this.note(event));
    form.addEventListener("change", (event) => this.note(event));
    form.addEventListener("submit", (event) => this.finishFirst(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.dirty.size && !this.leaving) event.preventDefault();
    });
  }

  note(event) {
    const box = event.target.closest("[data-field]");
    if (!box || !this.revision(box.dataset.field)) return;
    this.dirty.set(box.dataset.field, box);
    this.later(WAIT_MS);
  }

  later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), wait);
  }

  revision(question) {
    return this.form.elements.namedItem(`${question}_revision`);
  }

  run() {
    if (!this.running) this.running = this.saveAll().finally(() => { this.running = null; });
    return this.running;
  }

  async saveAll() {
    while (this.dirty.size) {
      const [question, box] = this.dirty.entries().next().value;
      this.dirty.delete(question);
      if (!(await this.save(question, box))) return;
    }
  }

  values(box) {
    const fields = Array.from(box.querySelectorAll("input, textarea, select"));
    const choices = fields.filter((field) => field.type === "checkbox" || field.type === "radio");
    return choices.length ? choices.filter((field) => field.checked).map((field) => field.value) : [fields[0].value];
  }

  async save(question, box) {
    const body = new URLSearchParams();
    body.set("csrf_token", this.form.elements.namedItem("csrf_token").value);
    body.set("question", question);
    body.set("revision", this.revision(question).value);
    for (const value of this.values(box)) body.append("value", value);
    try {
      const answer = await fetch(this.form.dataset.autosave, { method: "POST", body, redirect: "error" });
      await this.heard(question, box, answer);
      return true;
    } catch {
      this.tell(box, "Not saved: no connection. Keep this page open; we try again by ourselves.", true);
      if (!this.dirty.has(question)) this.dirty.set(question, box);
      this.later(RETRY_MS);
      return false;
    }
  }

  async heard(question, box, answer) {
    const plain = (answer.headers.get("Content-Type") || "").startsWith("text/plain");
    const words = plain ? await answer.text() : "";
    const revision = answer.headers.get("X-Revision");
    if (answer.ok) {
      this.revision(question).value = revision;
      this.tell(box, words, false);
    } else if (answer.status === 409 && revision !== null) {
      this.tell(box, words, true, () => {
        this.revision(question).value = revision;
        this.dirty.set(question, box);
        this.run();
      });
    } else if (answer.status >= 500) {
      throw new Error("busy");
    } else {
      const signedOut = "Not saved: you may have been signed out. Your text is still here: sign in again in another tab, then press Save.";
      this.tell(box, words || signedOut, true);
    }
  }

  tell(box, words, fault, keepMine) {
    let note = box.querySelector(".saved");
    if (!note) {
      note = document.createElement("p");
      note.className = "saved";
      note.setAttribute("role", "status");
      box.append(note);
    }
    note.textContent = words;
    note.classList.toggle("over", fault);
    if (keepMine) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button secondary";
      button.textContent = "Keep mine";
      button.addEventListener("click", keepMine, { once: true });
      note.append(" ", button);
    }
  }

  /* A save in flight has a newer revision than the page: let it end before the whole form is sent. */
  finishFirst(event) {
    clearTimeout(this.timer);
    this.dirty.clear();
    if (this.running) {
      event.preventDefault();
      const pressed = event.submitter;
      this.running.finally(() => this.form.requestSubmit(pressed));
    } else {
      this.leaving = true;
    }
  }
}

/* --- joining: questions that are not for this kind of organisation are out of sight, unless something stands in them */

function showForKind(kind, part) {
  const show = () => {
    const kinds = part.dataset.kinds.split(" ");
    const filled = Array.from(part.querySelectorAll("input, select")).some((f) => (f.type === "checkbox" ? f.checked : f.value));
    part.hidden = !kinds.includes(kind.value) && !filled && !part.querySelector(".has-error");
  };
  kind.addEventListener("change", show);
  show();
}

focusErrors();
document.querySelectorAll("[data-count]").forEach(addCounter);
document.querySelectorAll("form[data-autosave]").forEach((form) => new Autosave(form));
document.querySelectorAll("[data-kinds]").forEach((part) => showForKind(part.closest("form").elements.legal_form, part));

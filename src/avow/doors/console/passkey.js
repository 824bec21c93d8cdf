// The console's one script: lets the browser make or use a passkey, and puts what it says into the form.
"use strict";

const form = document.getElementById("passkey");
const said = document.getElementById("said");
const start = document.getElementById("start");

async function ask() {
  const options = JSON.parse(form.dataset.options);
  const credential = form.dataset.way === "make"
    ? await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})
    : await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)});
  form.elements.answer.value = JSON.stringify(credential.toJSON());
  form.submit();
}

async function begin() {
  start.disabled = true;
  said.textContent = "Follow what your browser asks.";
  try {
    await ask();
  } catch (error) {
    start.disabled = false;
    said.textContent = error.name === "InvalidStateError"
      ? "This device has a passkey of yours already."
      : "No passkey came of it. Try again, or use your password.";
  }
}

if (window.PublicKeyCredential && PublicKeyCredential.parseCreationOptionsFromJSON) {
  said.textContent = "";
  start.hidden = false;
  start.addEventListener("click", begin);
} else {
  said.textContent = "This browser cannot do passkeys. Use your password.";
}

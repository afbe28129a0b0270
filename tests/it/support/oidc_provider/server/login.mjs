// The page on which a person signs in and consents, or denies.

const page = (name, problem) => `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Sign in</title>
<style>
  body { font: 16px sans-serif; margin: 4em auto; max-width: 20em }
  label, button { display: block; margin: 1em 0 }
</style>
<h1>Sign in</h1>
<p>${problem}</p>
<form method="post">
  ${name === 'login' ? `<label>User <input name="user" autofocus></label>
  <label>Password <input name="password" type="password"></label>` : ''}
  <button name="action" value="allow">Sign in</button>
  <button name="action" value="deny">Deny</button>
</form>
</html>
`;

export async function loginPage(provider, users, request, response, read) {
  const { prompt } = await provider.interactionDetails(request, response);
  const show = (status, problem) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end(page(prompt.name, problem));
  if (request.method !== 'POST') {
    show(200, '');
    return;
  }
  const form = new URLSearchParams(await read(request));
  const user = form.get('user');
  let result = { consent: {} };
  if (form.get('action') === 'deny') {
    result = { error: 'access_denied', error_description: 'the user denied access' };
  } else if (prompt.name === 'login') {
    if (!users[user] || users[user].password !== form.get('password')) {
      show(401, 'The user or the password is wrong.');
      return;
    }
    result = { login: { accountId: user } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

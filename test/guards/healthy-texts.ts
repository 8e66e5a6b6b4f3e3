// Texts as tools give them, with nothing in them that opens anything: each has what a rule might take for a secret.
export const healthyTexts: Readonly<Record<string, string>> = {
  'a log of commits': `commit 9fceb02d0ae598e95dc970b74767f19372d61af8 (HEAD -> main, tag: v2.3.1)
Author: A. Dev <a.dev@corp.example>
    Rotate the api_key of the billing job; drop the password column (see 3f2a91bc)`,
  'a lock file': `"node_modules/tough": {"version": "4.1.3", "tarball": "https://packages.corp.example/tough-4.1.3.tgz",
  "integrity": "sha512-aX/y5pVRkfRnfmuX+OdbSdXvPe6ieKX/G2s7e98f4poJHnqH3281gDPm/metm6E/WRamfx7WC4HUqkWHfQHprw==", "dev": true}`,
  'headers of an answer': `HTTP/1.1 401 Unauthorized
WWW-Authenticate: Bearer realm="api", error="invalid_token", scope="tools:read"
ETag: W/"33a64df551425fcc55e4d42a148795d9f25f89d4"
X-Request-Id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
Set-Cookie: theme=dark; Path=/; Max-Age=31536000`,
  'a schema of a database': `CREATE TABLE users (id BIGINT PRIMARY KEY, password_hash TEXT NOT NULL, api_token VARCHAR(64), secret_key BYTEA);
CREATE UNIQUE INDEX users_api_token ON users (api_token); -- token = 64 hex characters`,
  'OpenAPI of a sign-in': `components: {securitySchemes: {ApiKeyAuth: {type: apiKey, in: header, name: X-API-Key}}}
properties: {password: {type: string, minLength: 12, format: password}, access_token: {type: string, example: string}}`,
  'settings to be filled in': `DATABASE_URL=postgres://user:password@localhost:5432/app
API_KEY=<your-key-here>
SECRET_TOKEN=\${SECRET_TOKEN}
GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE`,
  'a workflow of CI': `env: {NPM_TOKEN: "\${{ secrets.NPM_TOKEN }}", DEPLOY_KEY: "\${{ secrets.DEPLOY_KEY_2024 }}"}
- uses: actions/checkout@8ade135a41bc03ea155e62e844d188df1ea18608 # v4.1.0
  with: {token: "\${{ github.token }}", ssh-key: "\${{ secrets.SSH_KEY1 }}"}`,
  'infrastructure as code': `resource "aws_db_instance" "main" { username = var.db_user, password = data.vault_generic_secret.db.data["password1"] }
output "secret_arn" { value = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-Xy7Zab" }`,
  'a description of a pod': `Image ID: images.corp.example/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
Environment:
  DB_PASSWORD:  <set to the key 'password' in secret 'db-credentials-7d9f'>  Optional: false
Mounts: /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x7k2p (ro)`,
  'a page of a list': `{"items": [{"id": "pod_8f2a91bc77de4410", "key": "users/42/avatar.png"}], "nextPageToken": "CAUQAA8f3k2m9q7w1e5r4",
  "cursor": "eyJpZCI6NDIsImRpciI6Im5leHQifQ==", "sync_token": "a8f3k2m9q7w1e5r4t6", "continuation_token": "1!48!MDAwMDA3"}`,
  'use of a model': `{"usage": {"prompt_tokens": 1284, "completion_tokens": 221, "max_tokens": 4096, "total_tokens": 1505}, "stop_token": "<|endoftext|>"}`,
  'source of a program': `const token = await getToken({ secret: process.env.AUTH_SECRET2, raw: true })
if (password !== confirmPassword1) throw new Error('passwords differ')
headers.authorization = \`Bearer \${session.accessToken}\`
const apiKey = config.get('api.key'); const secret = crypto.randomBytes(32).toString('hex')
const hash = await bcrypt.hash(password, 10)`,
  'tests of a program': `expect(login({ user: 'bob', password: 'wrong' })).rejects.toThrow('invalid password')
const fakeToken = 'test-token-1'; const secret = 'not-a-secret-1'`,
  'how to set a password': `Run \`passwd\` and enter the new password: at least 12 characters, one digit. Your password: ******** . Forgot password? Token: none.`,
  'a certificate and a public key': `-----BEGIN CERTIFICATE-----
MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJRTESMBAGA1UEChMJQmFsdGltb3Jl
-----END CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
-----END PUBLIC KEY-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bob@corp.example`,
  'a mail': `From: "Bob" <bob@corp.example>
Message-ID: <CAKx7Zp=8f2a91bc77de4410aa@mail.corp.example>
DKIM-Signature: v=1; a=rsa-sha256; d=corp.example; s=s1; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSb
Subject: Your password was changed`,
  'rows of a table': `| user | token_type | key_id | last4 |
|---|---|---|---|
| bob | bearer | key_01HZX3V8W9 | 4f2a |
| eve | api_key | key_01HZX3V8WA | 91bc |`,
  'a picture in a page': `<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==">`,
  'a link that is signed and public': `https://maps.corp.example/tile?x=5&y=7&v=8f2a91bc&token=rn91iI4bSe`,
  'traces of an error': `Error: connect ECONNREFUSED 10.0.0.5:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1494:16) { secretName: undefined, password: [Function] }
    at Object.<anonymous> (/srv/app/dist/auth/token-service.js:118:23)`,
  'numbers and hashes': `md5 5d41402abc4b2a76b9719d911017c592  a.txt
sha1 aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d  b.txt
block 0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060 nonce 0x539bd4979fef1ec4
uuid 0190163d-8694-739b-aea5-966c26f8ad91 ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV`,
  'names of classes': `<div class="sk-fading-circle sk-circle12 hf_container npm_list xoxb-like glpat-note"></div>`,
  'other languages': `密码：必填。パスワード: 必須です。Passwort: erforderlich (mindestens 8 Zeichen). Mot de passe: requis.`,
}

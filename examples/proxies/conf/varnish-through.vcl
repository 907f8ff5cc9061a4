vcl 4.1;

backend api {
	.host = "{{.Host}}";
	.port = "{{.Port}}";
}
